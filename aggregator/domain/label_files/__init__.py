"""Files of labels that other programs write and read: text in, spans out, and back. Pure."""
