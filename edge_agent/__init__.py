"""The program on the node: it listens, decides and delivers."""
