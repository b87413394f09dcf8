"""Spectra between frames: phase is only found where windows overlap more than those of frames do.

Frames come every 320 samples, or 160, from windows of 512. Sound is sought on a grid of 64; its spectra lie
on a cubic curve through the logarithms of those that are known. The curve ends with the newest frame, so
nothing waits.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from contract.audio import HOP_SAMPLES
from contract.codec.mel import POWER_BINS

FINE_HOP_SAMPLES: Final = 64
"""An eighth of the window: overlapping squares of the Hann window then add up to a constant."""

PER_HOP: Final = HOP_SAMPLES // FINE_HOP_SAMPLES

_QUIET: Final = np.float32(0.1)
"""Samples; keeps the logarithm of silence finite, and a step out of it short."""


class Between:
    """The curve of one stream."""

    def __init__(self, frames_per_hop: int) -> None:
        self._logs: NDArray[np.float32] | None = None
        self._curve = _curve(frames_per_hop)

    def push(self, magnitudes: NDArray[np.float32]) -> NDArray[np.float32]:
        """The spectra (PER_HOP, POWER_BINS) up to that of the newest frame, which is the last of them.

        ``magnitudes`` (frames per hop, POWER_BINS) are those of the frames of the next hop.
        """
        newest = np.log(magnitudes + _QUIET)
        known = np.stack([newest[0], newest[0]]) if self._logs is None else self._logs
        logs = np.concatenate([known, newest])
        self._logs = logs[-2:]
        spectra = np.maximum(np.exp(self._curve @ logs) - _QUIET, 0)
        return np.asarray(spectra, np.float32).reshape(PER_HOP, POWER_BINS)


def _curve(frames: int) -> NDArray[np.float32]:
    """(PER_HOP, 2 + frames): what two frames of before and the new ones count at each place of the grid."""
    values = np.eye(2 + frames)
    # The slope at the newest frame is that of the line to it: what follows is not known yet.
    slopes = np.stack([values[1] - values[0], *(values[2:] - values[:-2]) / 2, values[-1] - values[-2]])
    rows = []
    for place in range(1, PER_HOP + 1):
        behind = 1 + place * frames / PER_HOP
        at = min(int(behind), frames)
        t = behind - at
        rows.append(
            (2 * t**3 - 3 * t**2 + 1) * values[at]
            + (t**3 - 2 * t**2 + t) * slopes[at]
            + (3 * t**2 - 2 * t**3) * values[at + 1]
            + (t**3 - t**2) * slopes[at + 1]
        )
    return np.array(rows, np.float32)
