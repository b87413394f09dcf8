"""Spectra between frames: phase is only found where windows overlap more than those of frames do.

Frames come every 320 samples from windows of 512. Sound is sought on a grid five times finer; its spectra
lie on a cubic curve through the logarithms of those that are known. The curve ends with the newest frame,
so nothing waits.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from contract.audio import HOP_SAMPLES
from contract.codec.mel import POWER_BINS

FINE_HOP_SAMPLES: Final = 64
"""An eighth of the window: overlapping squares of the Hann window then add up to a constant."""

PER_FRAME: Final = HOP_SAMPLES // FINE_HOP_SAMPLES

_QUIET: Final = np.float32(0.1)
"""Samples; keeps the logarithm of silence finite, and a step out of it short."""


class Between:
    """The curve of one stream."""

    def __init__(self) -> None:
        self._logs: list[NDArray[np.float32]] = []
        at = (np.arange(PER_FRAME, dtype=np.float32)[:, None] + 1) / PER_FRAME
        self._basis = (
            2 * at**3 - 3 * at**2 + 1,
            at**3 - 2 * at**2 + at,
            -2 * at**3 + 3 * at**2,
            at**3 - at**2,
        )

    def push(self, magnitudes: NDArray[np.float32]) -> NDArray[np.float32]:
        """The spectra (PER_FRAME, POWER_BINS) up to that of the new frame, which is the last of them."""
        newest = np.log(magnitudes + _QUIET)
        before, last = self._logs if self._logs else (newest, newest)
        self._logs = [last, newest]
        start, start_slope, end, end_slope = self._basis
        # The slope at the newest frame is that of the line to it: what follows is not known yet.
        curve = (
            start * last + start_slope * ((newest - before) / 2) + end * newest + end_slope * (newest - last)
        )
        return np.asarray(np.maximum(np.exp(curve) - _QUIET, 0), np.float32).reshape(PER_FRAME, POWER_BINS)
