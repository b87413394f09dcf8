"""From a frame back to the spectrum that it was summed up from: positive, and as smooth as can be.

Eighty sums leave 257 power bins open. The search begins with the frame drawn through the centres of its
filters, and bends that until the filters find the frame in it: the multiplicative updates of Lee and Seung
for the divergence of Kullback and Leibler, which keep power positive without a test.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from contract.audio import FEATURE_SCALE_DB, FEATURE_ZERO_POINT, MEL_BINS, WINDOW_SAMPLES
from contract.codec.mel import POWER_BINS, mel_weights

UPDATES: Final = 10
"""More of them gain nothing that PESQ hears."""

FULL_SCALE: Final = 32768.0 * WINDOW_SAMPLES / 4
"""Magnitude that a full-scale sine has under the window; a frame calls its power 0 dB."""

_LEAST: Final = np.float32(1e-14)
_PER_DB: Final = np.float32(np.log(10.0) / 10)


class MelInversion:
    """Turns frames into magnitudes. Holds nothing but constants, so that one serves every stream."""

    def __init__(self) -> None:
        weights = mel_weights()
        self._weights = weights.astype(np.float32)
        self._across = np.ascontiguousarray(weights.T, dtype=np.float32)
        # Bins below the first filter and above the last belong to none: there is no power to give them.
        reach = weights.sum(axis=0)
        self._share = np.where(reach > 0, 1 / np.maximum(reach, 1e-9), 0).astype(np.float32)
        self._start = _lines_through_centres(weights)
        self._height_db = (10 * np.log10(weights.sum(axis=1))).astype(np.float32)

    def magnitudes(self, frames: NDArray[np.int8]) -> NDArray[np.float32]:
        """(T, POWER_BINS): the magnitude of each FFT bin of ``frames`` (T, MEL_BINS), in units of samples."""
        levels_db = (frames.astype(np.float32) - FEATURE_ZERO_POINT) * np.float32(FEATURE_SCALE_DB)
        # The least value says that there is no more than that: then there shall be nothing.
        wanted = np.where(frames > -128, np.exp(levels_db * _PER_DB), np.float32(0))
        power = np.exp(((levels_db - self._height_db) @ self._start) * _PER_DB) * (self._share > 0)
        for _ in range(UPDATES):
            power *= ((wanted / (power @ self._across + _LEAST)) @ self._weights) * self._share
        return np.asarray(np.sqrt(power) * np.float32(FULL_SCALE), np.float32)


def _lines_through_centres(weights: NDArray[np.float64]) -> NDArray[np.float32]:
    """(MEL_BINS, POWER_BINS): what each filter's level counts at each bin."""
    bins = np.arange(POWER_BINS)
    centres = weights @ bins / weights.sum(axis=1)
    return np.stack([np.interp(bins, centres, row) for row in np.eye(MEL_BINS)]).astype(np.float32)
