"""What is fixed about the classifier's shape, whatever the recipe: how frames become steps."""

FRAMES_PER_LSTM_STEP = 2
STEP_FRAMES = 4
"""Frames of 20 ms per LSTM step and per posterior."""

KERNELS = ((3, 5), (3, 3))
"""Width in time and frequency of the two convolutions of the stem."""
FREQUENCY_STRIDES = (4, 2)
STEM_STRIDES = ((FRAMES_PER_LSTM_STEP, FREQUENCY_STRIDES[0]), (1, FREQUENCY_STRIDES[1]))
"""Their strides in time and frequency."""

STEM_HISTORY = 5
"""Frames before the present ones that the stem sees: two of the second convolution, twice, and one."""

LEVEL_RANGE_DB = 20.0
"""Decibels around the running level that become one unit."""
