"""The score from which on normal sound may be reported: as often as the recipe allows, and no oftener."""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from model_build.anomaly.listening import score_of
from model_build.anomaly.recipe import STEP_S
from model_build.anomaly.scoring import settled

LEAST, MOST = 0.05, 0.999
"""Bounds of a threshold; 1 would switch detection off."""


def choose_threshold(normal: Sequence[NDArray[np.float64]], window: int, false_alarms_per_h: float) -> float:
    """The threshold for held-out ``normal`` sound, the spreads of whose steps are (S,) a recording.

    Held-out sound is shorter than the time in which one false alarm is allowed, so the tail is extrapolated:
    highest values of stretches as long as the window exceed their median by amounts that are taken to be
    exponential (peaks over threshold with shape 0), m on average, and the wanted rate is reached at
    ``median + m ln(stretches per hour / 2 / rate)``. It is never below what was heard.
    """
    peaks = np.concatenate([_peaks(settled(spreads, window), window) for spreads in normal])
    median = float(np.median(peaks))
    over = peaks[peaks > median] - median
    mean_excess = float(over.mean()) if over.size else 0.0
    half_per_h = 3600 / (window * STEP_S) / 2
    extrapolated = median + mean_excess * math.log(half_per_h / false_alarms_per_h)
    score = score_of(max(extrapolated, float(peaks.max())))
    return min(max(math.ceil(score * 1000) / 1000, LEAST), MOST)


def _peaks(spreads: NDArray[np.float64], window: int) -> NDArray[np.float64]:
    parts = np.array_split(spreads, max(1, round(len(spreads) / window)))
    return np.array([part.max() for part in parts])
