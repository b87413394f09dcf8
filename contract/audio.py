"""The numbers of sound that every part shares. They are part of every stored frame and do not change."""

from typing import Final

RATE_HZ: Final = 16_000
"""Sample rate of everything after capture, mono, 16-bit."""

HOP_SAMPLES: Final = 320
HOP_MS: Final = 20
"""New samples, and milliseconds, per frame."""

WINDOW_SAMPLES: Final = 512
"""Samples under one FFT; 192 of them are carried over from before the hop."""

MEL_BINS: Final = 80

FEATURE_SCALE_DB: Final = 0.5
FEATURE_ZERO_POINT: Final = 111
"""An int8 feature ``q`` stands for ``(q - FEATURE_ZERO_POINT) * FEATURE_SCALE_DB`` decibels,
so that the 256 steps reach from -119.5 dB (below the noise of 16-bit quantisation) to +8 dB
(above anything that full scale can produce)."""

FRAMES_PER_S: Final = RATE_HZ // HOP_SAMPLES


def feature_to_db(q: int) -> float:
    """Decibels that the int8 feature ``q`` stands for.

    >>> feature_to_db(111), feature_to_db(-128)
    (0.0, -119.5)
    """
    return (q - FEATURE_ZERO_POINT) * FEATURE_SCALE_DB
