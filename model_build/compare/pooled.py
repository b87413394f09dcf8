"""A clip as one vector, for contenders that know nothing of time: statistics of its log-mel frames."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from contract.audio import FEATURE_SCALE_DB, FEATURE_ZERO_POINT, MEL_BINS

BANDS = MEL_BINS // 2
"""Neighbouring mel bins are averaged in pairs: half the values, and no contender missed the other half."""
CEPSTRA = 24
_DELTA = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Pooling:
    """Which statistics of which values."""

    cepstra: bool
    """The first cosine coefficients of each frame instead of its bands."""
    parts: int
    """Equal parts of the clip whose means are kept apart: what little a vector can know of order."""
    gate_db: float | None
    """Frames more than this below the loudest do not count."""


def pooled(features: NDArray[np.int8], pooling: Pooling) -> NDArray[np.float32]:
    """(N, D) from features (N, T, MEL_BINS): mean, spread, extremes, spread of change, means of parts, level.

    >>> pooled(np.zeros((2, 52, 80), np.int8), Pooling(cepstra=True, parts=3, gate_db=None)).shape
    (2, 195)
    """
    db = banded_db(features)
    level = db.mean(axis=2)
    loud = level.max(axis=1, keepdims=True) - (np.inf if pooling.gate_db is None else pooling.gate_db)
    heard = (level >= loud).astype(np.float32)
    count = heard.sum(axis=1, keepdims=True)
    mean_level = (level * heard).sum(axis=1, keepdims=True) / count
    x = db - mean_level[:, :, None]
    x = cepstra(x) if pooling.cepstra else x
    weight = heard[:, :, None]
    mean = (x * weight).sum(axis=1) / count
    spread = np.sqrt((((x - mean[:, None]) ** 2) * weight).sum(axis=1) / count)
    highest = np.where(weight > 0, x, -np.inf).max(axis=1)
    lowest = np.where(weight > 0, x, np.inf).min(axis=1)
    change = np.sqrt((deltas(x) ** 2 * weight).sum(axis=1) / count)
    swing = np.sqrt((((level - mean_level) ** 2) * heard).sum(axis=1, keepdims=True) / count)
    about = [mean_level, swing, count / features.shape[1]]
    parts = _means_of_parts(x, heard, pooling.parts)
    return np.concatenate([mean, spread, highest, lowest, change, parts, *about], axis=1).astype(np.float32)


def banded_db(features: NDArray[np.int8]) -> NDArray[np.float32]:
    """(N, T, BANDS) decibels, neighbours averaged."""
    db = (features.astype(np.float32) - FEATURE_ZERO_POINT) * np.float32(FEATURE_SCALE_DB)
    return np.asarray(db.reshape(*db.shape[:2], BANDS, 2).mean(axis=3))


def cepstra(bands_db: NDArray[np.float32], count: int = CEPSTRA) -> NDArray[np.float32]:
    """(..., count) cosine coefficients of log-mel bands: mel-frequency cepstral coefficients."""
    from scipy.fft import dct

    return np.asarray(dct(bands_db, axis=-1, norm="ortho")[..., :count], dtype=np.float32)


def deltas(x: NDArray[np.float32]) -> NDArray[np.float32]:
    """(N, T, D) change over four frames; none at the ends."""
    change = np.zeros_like(x)
    change[:, _DELTA:-_DELTA] = x[:, 2 * _DELTA :] - x[:, : -2 * _DELTA]
    return change


def _means_of_parts(x: NDArray[np.float32], heard: NDArray[np.float32], parts: int) -> NDArray[np.float32]:
    """(N, parts * D) mean of each equal part of what was heard."""
    place = (np.cumsum(heard, axis=1) - heard) / heard.sum(axis=1, keepdims=True)
    means = []
    for part in range(parts):
        inside = heard * (place >= part / parts) * (place < (part + 1) / parts)
        total = np.maximum(inside.sum(axis=1, keepdims=True), 1.0)
        means.append((x * inside[:, :, None]).sum(axis=1) / total)
    return np.concatenate(means, axis=1)
