"""The main job on one machine: a broker, the aggregator, and a few agents that hear real sound."""
