"""Numbers that the trained network and the exported one must share."""

LEAST_POWER = 1e-8
"""Added to powers before their logarithm; about what 16-bit rounding leaves in a bin."""
