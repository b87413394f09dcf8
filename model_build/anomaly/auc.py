"""Area under the ROC curve: the chance that an anomaly scores higher than normal sound."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_DRAWS = 1000
_SEED = 1

Scored = tuple[NDArray[np.float64], NDArray[np.int64]]
"""Scores of clips, and of each clip the number of the recording that it was cut from"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Auc:
    """The area, and where it lies with 95 % confidence."""

    value: float
    interval: tuple[float, float]


def area_under_curve(normal: Scored, anomalous: Scored) -> Auc:
    """By Mann and Whitney: over all pairs, the part in which the anomaly scores higher; a tie counts half.

    The interval is a bootstrap over recordings, since clips of one recording are alike.

    >>> few = np.array([0.1, 0.2]), np.array([0, 1])
    >>> area_under_curve(few, (np.array([0.15, 0.9]), np.array([2, 3]))).value
    0.75
    """
    (low, low_sources), (high, high_sources) = normal, anomalous
    wins = (high[:, None] > low[None, :]) + 0.5 * (high[:, None] == low[None, :])
    draw = np.random.default_rng(_SEED)
    drawn = np.empty(_DRAWS)
    for index in range(_DRAWS):
        rows, columns = _resample(high_sources, draw), _resample(low_sources, draw)
        drawn[index] = rows @ wins @ columns / (rows.sum() * columns.sum())
    least, most = np.percentile(drawn, [2.5, 97.5])
    return Auc(value=float(wins.mean()), interval=(float(least), float(most)))


def _resample(sources: NDArray[np.int64], draw: np.random.Generator) -> NDArray[np.float64]:
    """How often each clip counts when as many recordings are drawn with replacement as there are."""
    known, place = np.unique(sources, return_inverse=True)
    times = np.bincount(draw.integers(known.size, size=known.size), minlength=known.size)
    return np.asarray(times[place], dtype=np.float64)
