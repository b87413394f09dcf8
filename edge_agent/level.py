"""Sound level: energies of hops become decibels. Pure. 0 dBFS is the level of a full-scale sine (AES17)."""

import math
from collections import deque
from typing import Final

import numpy as np
from numpy.typing import NDArray

from contract.audio import FRAMES_PER_S

FLOOR_DBFS: Final = -120.0
"""Shown for digital silence, whose level is no number."""
_SINE_POWER: Final = 32768.0**2 / 2


def hop_powers(hops: NDArray[np.int16]) -> list[float]:
    """Mean square of each hop, full-scale sine = 1: (hops, samples) int16 to one number per hop."""
    real = hops.astype(np.float32)
    powers: list[float] = np.einsum("ij,ij->i", real, real).tolist()
    return [power / (_SINE_POWER * hops.shape[1]) for power in powers]


def to_dbfs(power: float) -> float:
    """Decibels of a mean square.

    >>> to_dbfs(1.0), to_dbfs(0.0)
    (0.0, -120.0)
    """
    return max(FLOOR_DBFS, 10 * math.log10(power)) if power > 0 else FLOOR_DBFS


class Meter:
    """One-second Leq, sliding and second by second, and the peak."""

    def __init__(self) -> None:
        self._last: deque[float] = deque(maxlen=FRAMES_PER_S)
        self._second: list[float] = []
        self._done: deque[float] = deque(maxlen=120)
        self._peak = 0

    @property
    def leq_dbfs(self) -> float:
        """Of the last second, or of what there is."""
        return to_dbfs(sum(self._last) / len(self._last)) if self._last else FLOOR_DBFS

    def feed(self, powers: list[float], peak: int) -> None:
        """More hops: their powers and their loudest sample."""
        self._peak = max(self._peak, peak)
        for power in powers:
            self._last.append(power)
            self._second.append(power)
            if len(self._second) == FRAMES_PER_S:
                self._done.append(to_dbfs(sum(self._second) / FRAMES_PER_S))
                self._second.clear()

    def take(self) -> tuple[tuple[float, ...], float]:
        """Leq of each full second since the last call, 120 at most, and the peak since then, dBFS."""
        levels = tuple(self._done)
        peak = 20 * math.log10(self._peak / 32768) if self._peak else FLOOR_DBFS
        self._done.clear()
        self._peak = 0
        return levels, peak
