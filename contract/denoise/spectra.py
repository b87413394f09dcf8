"""Hops of sound as spectra, and spectra as hops of sound again; what is not changed comes back as it was.

The front end's window of 512 samples, but twice in each hop: its own hop leaves windows that hardly overlap,
from which changed spectra make no smooth sound. Offset and rumble are taken off before anything else.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from contract.audio import HOP_SAMPLES, RATE_HZ, WINDOW_SAMPLES

HIGH_PASS_HZ: Final = 30.0
"""Corner of the one-pole high-pass, as in the front ends."""
PER_HOP: Final = 2
"""Spectra in a hop."""
STRIDE_SAMPLES: Final = HOP_SAMPLES // PER_HOP
"""Samples from one spectrum to the next."""
BINS: Final = WINDOW_SAMPLES // 2 + 1
DELAY_SAMPLES: Final = WINDOW_SAMPLES - STRIDE_SAMPLES
"""How much later sound comes out than it went in: 22 ms, beside the hop that has to be full."""

_STRETCH: Final = DELAY_SAMPLES + HOP_SAMPLES


def analysis_window() -> NDArray[np.float32]:
    """(WINDOW_SAMPLES,) half a sine."""
    return np.sin(np.pi * (np.arange(WINDOW_SAMPLES) + 0.5) / WINDOW_SAMPLES).astype(np.float32)


def synthesis_window() -> NDArray[np.float32]:
    """(WINDOW_SAMPLES,) what inverse spectra are multiplied by, so that they add up to the sound."""
    window = analysis_window().astype(np.float64)
    squares = np.pad(window**2, (0, -WINDOW_SAMPLES % STRIDE_SAMPLES)).reshape(-1, STRIDE_SAMPLES)
    norm = np.resize(squares.sum(axis=0), WINDOW_SAMPLES)
    return (window / norm).astype(np.float32)


def pole() -> float:
    """Pole of the high-pass ``y[n] = pole y[n-1] + (1 + pole) / 2 (x[n] - x[n-1])``."""
    return float(np.exp(-2 * np.pi * HIGH_PASS_HZ / RATE_HZ))


class HighPass:
    """One stream without its offset. The first sample counts as having been there for ever."""

    def __init__(self) -> None:
        lag = np.arange(HOP_SAMPLES)[:, None] - np.arange(HOP_SAMPLES)[None, :]
        # What a one-pole filter does to a hop is a matrix, and its state decays into it.
        self._filter = np.where(lag >= 0, pole() ** np.maximum(lag, 0), 0) * (1 + pole()) / 2
        self._decay = pole() ** np.arange(1, HOP_SAMPLES + 1)
        self._sample: float | None = None
        self._filtered = 0.0

    def push(self, hop: NDArray[np.int16]) -> NDArray[np.float32]:
        """The next HOP_SAMPLES samples, filtered."""
        sound = hop.astype(np.float64)
        before = float(sound[0]) if self._sample is None else self._sample
        filtered = self._filter @ np.diff(sound, prepend=before) + self._decay * self._filtered
        self._sample, self._filtered = float(sound[-1]), float(filtered[-1])
        return np.asarray(filtered, np.float32)


class Analysis:
    """Spectra of one stream."""

    def __init__(self) -> None:
        self._window = analysis_window()
        self._heard = np.zeros(DELAY_SAMPLES, np.float32)

    def push(self, hop: NDArray[np.float32]) -> NDArray[np.complex64]:
        """(PER_HOP, BINS) spectra of the windows that end in ``hop``."""
        heard = np.concatenate([self._heard, hop])
        self._heard = heard[-DELAY_SAMPLES:]
        windows = np.lib.stride_tricks.sliding_window_view(heard, WINDOW_SAMPLES)[::STRIDE_SAMPLES]
        return np.asarray(np.fft.rfft(windows * self._window), np.complex64)


class Synthesis:
    """Sound of one stream's spectra, DELAY_SAMPLES later."""

    def __init__(self) -> None:
        self._window = synthesis_window()
        self._begun = np.zeros(DELAY_SAMPLES, np.float32)

    def push(self, spectra: NDArray[np.complex64]) -> NDArray[np.float32]:
        """HOP_SAMPLES samples, for the (PER_HOP, BINS) spectra of the next hop."""
        sound = np.zeros(_STRETCH, np.float32)
        sound[:DELAY_SAMPLES] = self._begun
        for number, part in enumerate(np.fft.irfft(spectra) * self._window):
            start = number * STRIDE_SAMPLES
            sound[start : start + WINDOW_SAMPLES] += part
        self._begun = sound[HOP_SAMPLES:]
        return sound[:HOP_SAMPLES]
