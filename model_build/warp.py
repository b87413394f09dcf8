"""Other vocal tracts: log-mel frames whose frequency axis is stretched.

Jaitly & Hinton 2013, "Vocal tract length perturbation (VTLP) improves speech recognition".
"""

import numpy as np
from numpy.typing import NDArray

from contract.audio import MEL_BINS
from model_build.mel import mel_edges_hz


def warped(features: NDArray[np.float32], factors: NDArray[np.float64]) -> NDArray[np.float32]:
    """Frames (N, T, MEL_BINS) whose frequencies are ``factors`` (N,) times as high.

    What moves in from beyond the highest bin is a copy of that bin.

    >>> tone = np.zeros((1, 1, MEL_BINS), np.float32)
    >>> tone[..., 40] = 1.0
    >>> warped(tone, np.array([1.0])).argmax(), warped(tone, np.array([1.1])).argmax()
    (np.int64(40), np.int64(43))
    """
    places = _places(factors)
    low = np.floor(places).astype(np.int64)
    high = np.minimum(low + 1, MEL_BINS - 1)
    part = (places - low).astype(np.float32)[:, None, :]
    below = np.take_along_axis(features, low[:, None, :], axis=2)
    above = np.take_along_axis(features, high[:, None, :], axis=2)
    return np.asarray(below + part * (above - below), dtype=np.float32)


def _places(factors: NDArray[np.float64]) -> NDArray[np.float64]:
    """(N, MEL_BINS) bin, with its fraction, from which each bin takes its level."""
    centres_hz = mel_edges_hz()[1:-1]
    sources_hz = centres_hz[None, :] / factors[:, None]
    return np.interp(sources_hz, centres_hz, np.arange(MEL_BINS, dtype=np.float64))
