"""Sound from magnitudes alone: looks for samples whose spectra have them, a little ahead of its output.

Real-time iterative spectrogram inversion with look-ahead (RTISI-LA, Zhu, Beauregard and Wyse 2007), with
two changes: a frame's spectra are sought all at once, which suits batched FFTs, and the search leaps (fast
Griffin-Lim, Perraudin, Balazs and Søndergaard 2013). New spectra begin with the phases that go on turning
as the last two did.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from contract.audio import HOP_SAMPLES, WINDOW_SAMPLES
from contract.codec.between import FINE_HOP_SAMPLES, PER_HOP
from contract.codec.mel import POWER_BINS

ITERATIONS: Final = 6
AHEAD: Final = 3
"""Spectra after those given out that are sought with them: 12 ms."""

LEAP: Final = np.float32(1.0)
"""How far beyond each result the next search begins, as a part of the change."""

_SOUGHT: Final = PER_HOP + AHEAD
_PARTS: Final = WINDOW_SAMPLES // FINE_HOP_SAMPLES
_STRETCH: Final = _SOUGHT - 1 + _PARTS
"""Fine hops that the sought spectra cover together."""

DELAY_HOPS: Final = (_STRETCH * FINE_HOP_SAMPLES - HOP_SAMPLES) // HOP_SAMPLES
"""Whole, for 3 spectra ahead let the samples given out end with a hop."""

_TINY: Final = np.float32(1e-9)


class PhaseSearch:
    """The search of one stream: magnitudes go in, samples come out, always as many."""

    def __init__(self) -> None:
        taper = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(WINDOW_SAMPLES) / WINDOW_SAMPLES)
        self._taper = taper.astype(np.float32)
        self._per_norm = (1 / _norm(taper)).astype(np.float32)
        self._settled = np.zeros((_STRETCH, FINE_HOP_SAMPLES), np.float32)
        self._spectra = np.zeros((_SOUGHT, POWER_BINS), np.complex64)
        self._magnitudes = np.zeros((_SOUGHT, POWER_BINS), np.float32)
        self._heard = np.zeros((_STRETCH, FINE_HOP_SAMPLES), np.float32)
        self._windows = _overlapping(self._heard)
        # Rows one part longer than the stretch: read with the stretch's length, each begins one part later.
        self._frames = np.zeros((_SOUGHT, _STRETCH + 1, FINE_HOP_SAMPLES), np.float32)
        self._shifted = self._frames.reshape(-1, FINE_HOP_SAMPLES)[: _SOUGHT * _STRETCH].reshape(
            _SOUGHT, _STRETCH, FINE_HOP_SAMPLES
        )

    def push(self, magnitudes: NDArray[np.float32]) -> NDArray[np.float32]:
        """HOP_SAMPLES samples, for ``magnitudes`` (PER_HOP, POWER_BINS) that follow those pushed before.

        They belong to the magnitudes that were pushed DELAY_HOPS hops ago.
        """
        self._magnitudes = np.concatenate([self._magnitudes[PER_HOP:], magnitudes])
        self._spectra = np.concatenate([self._spectra[PER_HOP:], self._turned_on(magnitudes)])
        self._search()
        self._settled += self._overlapped(PER_HOP)
        sound = self._settled[:PER_HOP] * self._per_norm[:PER_HOP]
        self._settled = np.concatenate([self._settled[PER_HOP:], np.zeros_like(sound)])
        return sound.reshape(HOP_SAMPLES)

    def _turned_on(self, magnitudes: NDArray[np.float32]) -> NDArray[np.complex64]:
        before, last = _unit(self._spectra[-2]), _unit(self._spectra[-1])
        turn = last * np.conj(before)
        turns = np.multiply.accumulate(np.broadcast_to(turn, magnitudes.shape), axis=0)
        return np.asarray(last * turns * magnitudes, np.complex64)

    def _search(self) -> None:
        before: NDArray[np.complex64] | None = None
        for _ in range(ITERATIONS):
            np.add(self._settled, self._overlapped(_SOUGHT), out=self._heard)
            self._heard *= self._per_norm
            found = np.asarray(np.fft.rfft(self._windows * self._taper, axis=1), np.complex64)
            leapt = found if before is None else found + LEAP * (found - before)
            before = found
            self._spectra = np.asarray(leapt * (self._magnitudes / (np.abs(leapt) + _TINY)), np.complex64)

    def _overlapped(self, spectra: int) -> NDArray[np.float32]:
        """(_STRETCH, FINE_HOP_SAMPLES): the sound of the first so many ``spectra``, added up."""
        frames = np.fft.irfft(self._spectra[:spectra], axis=1) * self._taper
        self._frames[:spectra, :_PARTS] = frames.reshape(spectra, _PARTS, FINE_HOP_SAMPLES)
        return np.asarray(self._shifted[:spectra].sum(axis=0))


def _unit(spectra: NDArray[np.complex64]) -> NDArray[np.complex64]:
    """Each value on the unit circle; where there is nothing, phase zero."""
    sizes = np.abs(spectra)
    return np.asarray(
        np.where(sizes > _TINY, spectra / np.maximum(sizes, _TINY), np.float32(1)), np.complex64
    )


def _overlapping(sound: NDArray[np.float32]) -> NDArray[np.float32]:
    """(_SOUGHT, WINDOW_SAMPLES): views of ``sound`` (_STRETCH, FINE_HOP_SAMPLES)."""
    windows = np.lib.stride_tricks.sliding_window_view(sound.reshape(-1), WINDOW_SAMPLES)
    return windows[::FINE_HOP_SAMPLES]


def _norm(taper: NDArray[np.float64]) -> NDArray[np.float64]:
    """(_STRETCH, FINE_HOP_SAMPLES): what the squared windows add up to; less towards the newest."""
    parts = (taper**2).reshape(_PARTS, FINE_HOP_SAMPLES)
    rows = [sum(parts[part] for part in range(_PARTS) if row - part < _SOUGHT) for row in range(_STRETCH)]
    return np.asarray(np.maximum(np.array(rows), 1e-3))
