"""Where a sound begins and ends, by energy and zero crossings, and its cepstra between.

After Rabiner and Sambur (1975). The rate of zero crossings is Rice's expectation for noise of the same
spectrum, 2 √(Σ f² P / Σ P), so that this contender hears the same features as all others.
"""

import numpy as np
from numpy.typing import NDArray

from contract.audio import FEATURE_SCALE_DB, FEATURE_ZERO_POINT
from model_build.compare.pooled import banded_db, cepstra, deltas
from model_build.mel import mel_edges_hz

LENGTH = 24
"""Steps that every sound is stretched or squeezed to; warping does the rest."""
COEFFICIENTS = 12
LOUD_DB, FAINT_DB = 25.0, 40.0
"""Below the loudest frame: what counts, and what counts beside it if it hisses."""
HISS_HZ = 5000.0
"""Crossings per second of a fricative."""

Values = NDArray[np.float32]


def crossings_hz(features: NDArray[np.int8]) -> Values:
    """(N, T) expected zero crossings per second of features (N, T, MEL_BINS)."""
    db = (features.astype(np.float32) - FEATURE_ZERO_POINT) * np.float32(FEATURE_SCALE_DB)
    power = 10.0 ** (db / 10.0)
    squares = (mel_edges_hz()[1:-1].astype(np.float32)) ** 2
    return np.asarray(2 * np.sqrt((power @ squares) / power.sum(axis=2)), dtype=np.float32)


def level_db(features: NDArray[np.int8]) -> Values:
    """(N, T) level of each frame, power averaged over the bands."""
    return np.asarray(10 * np.log10((10.0 ** (banded_db(features) / 10)).mean(axis=2)), dtype=np.float32)


def sounding(features: NDArray[np.int8]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """First and last frame (N,) of what sounds: loud frames, and faint hissing ones that border on them."""
    level, crossings = level_db(features), crossings_hz(features)
    loudest = level.max(axis=1, keepdims=True)
    loud = level >= loudest - LOUD_DB
    hiss = (level >= loudest - FAINT_DB) & (crossings >= HISS_HZ)
    first, last = loud.argmax(axis=1), loud.shape[1] - 1 - loud[:, ::-1].argmax(axis=1)
    for row in range(len(first)):
        while first[row] > 0 and hiss[row, first[row] - 1]:
            first[row] -= 1
        while last[row] < loud.shape[1] - 1 and hiss[row, last[row] + 1]:
            last[row] += 1
    return first, last


def sequences(features: NDArray[np.int8], *, centred: bool) -> Values:
    """(N, LENGTH, 2 COEFFICIENTS) cepstra and their change between the endpoints.

    ``centred`` takes off each coefficient's mean over the sound, and with it the microphone.
    """
    x = cepstra(banded_db(features), COEFFICIENTS + 1)[:, :, 1:]
    x = np.concatenate([x, 2.0 * deltas(x)], axis=2)
    first, last = sounding(features)
    places = first[:, None] + (last - first)[:, None] * np.linspace(0.0, 1.0, LENGTH)[None, :]
    below = np.minimum(places.astype(np.int64), x.shape[1] - 2)
    part = (places - below)[:, :, None].astype(np.float32)
    rows = np.arange(x.shape[0])[:, None]
    warped = x[rows, below] * (1 - part) + x[rows, below + 1] * part
    return np.asarray(warped - warped.mean(axis=1, keepdims=True) if centred else warped)
