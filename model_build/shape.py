"""What is fixed about the classifier's shape, whatever the recipe: how frames become steps."""

STEP_FRAMES = 4
"""Frames of 20 ms per LSTM step and per posterior."""

LEVEL_RANGE_DB = 20.0
"""Decibels around the running level that become one unit."""
