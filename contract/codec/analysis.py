"""The finer tensor: frames as the front end computes them, but a hundred a second, while somebody listens.

Stored frames come every 20 ms, which is enough to recognise sound and too seldom for natural speech. These
are computed beside them, from the same windows, filters and decibels, without the suppression of noise. Every
second one ends where a stored frame ends.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from contract.audio import FEATURE_SCALE_DB, FEATURE_ZERO_POINT, MEL_BINS, RATE_HZ, WINDOW_SAMPLES
from contract.codec.inversion import FULL_SCALE
from contract.codec.mel import mel_weights
from contract.codec.profiles import FINE_RATE

HIGH_PASS_HZ: Final = 30.0
_HOP: Final = RATE_HZ // FINE_RATE
_LEAST_POWER: Final = np.float32(1e-12)


class FineAnalysis:
    """One stream of samples."""

    def __init__(self) -> None:
        pole = np.exp(-2 * np.pi * HIGH_PASS_HZ / RATE_HZ)
        lag = np.arange(_HOP)[:, None] - np.arange(_HOP)[None, :]
        # What a one-pole filter does to a hop is a matrix, and its state decays into it.
        self._filter = np.where(lag >= 0, pole ** np.maximum(lag, 0), 0) * (1 + pole) / 2
        self._decay = pole ** np.arange(1, _HOP + 1)
        taper = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(WINDOW_SAMPLES) / WINDOW_SAMPLES)
        self._taper = (taper / FULL_SCALE).astype(np.float32)
        self._weights = np.ascontiguousarray(mel_weights().T, dtype=np.float32)
        self._rest: NDArray[np.int16] = np.zeros(0, np.int16)
        self._last_sample, self._last_filtered = 0.0, 0.0
        self._heard = np.zeros(WINDOW_SAMPLES, np.float32)

    def push(self, pcm: NDArray[np.int16]) -> NDArray[np.int8]:
        """(T, MEL_BINS): the frames that ``pcm`` completes; samples that fill no hop wait."""
        joined = np.concatenate([self._rest, pcm])
        whole = joined.size // _HOP * _HOP
        self._rest = joined[whole:]
        frames = [self._frame(hop) for hop in joined[:whole].reshape(-1, _HOP)]
        return np.array(frames, np.int8).reshape(-1, MEL_BINS)

    def _frame(self, hop: NDArray[np.int16]) -> NDArray[np.int8]:
        self._heard = np.concatenate([self._heard[_HOP:], self._high_passed(hop)])
        spectrum = np.fft.rfft(self._heard * self._taper)
        power = (spectrum.real**2 + spectrum.imag**2) @ self._weights
        levels_db = 10 * np.log10(np.maximum(power, _LEAST_POWER))
        steps = np.rint(levels_db / FEATURE_SCALE_DB) + FEATURE_ZERO_POINT
        return np.asarray(np.clip(steps, -128, 127), np.int8)

    def _high_passed(self, hop: NDArray[np.int16]) -> NDArray[np.float32]:
        sound = hop.astype(np.float64)
        change = np.diff(sound, prepend=self._last_sample)
        filtered = self._filter @ change + self._decay * self._last_filtered
        self._last_sample, self._last_filtered = float(sound[-1]), float(filtered[-1])
        return np.asarray(filtered, np.float32)
