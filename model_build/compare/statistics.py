"""How sure a figure is."""

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from model_build.report.intervals import wilson

CONFIDENCE: Final = 0.95
_DRAWS = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """A value and where it lies with ``CONFIDENCE``."""

    value: float
    low: float
    high: float


def over_runs(values: NDArray[np.float64]) -> Interval:
    """Mean of one value per training, with Student's t interval; no interval (NaN) for a single one.

    Folds and seeds count alike. Folds share training clips, so that the interval is a little too narrow.

    >>> interval = over_runs(np.array([0.8, 0.9, 1.0]))
    >>> round(interval.low, 3), round(interval.high, 3)
    (0.652, 1.148)
    """
    from scipy.stats import t

    mean = float(values.mean())
    if values.size < 2:
        return Interval(value=mean, low=math.nan, high=math.nan)
    half = float(t.ppf(0.5 + CONFIDENCE / 2, values.size - 1) * values.std(ddof=1) / math.sqrt(values.size))
    return Interval(value=mean, low=mean - half, high=mean + half)


def over_clips(right: float, clips: int) -> Interval:
    """Part ``right`` of so many ``clips`` with Wilson's interval (1927).

    >>> round(over_clips(0.5, 100).low, 3)
    0.404
    """
    bounds = wilson(round(right * clips), clips)
    return Interval(value=right, low=bounds[0], high=bounds[1])


def paired(first: NDArray[np.float64], second: NDArray[np.float64]) -> Interval:
    """Mean of ``first - second``, clip by clip, with the percentile interval of a bootstrap over clips.

    Both are (clips,): how often, over the seeds, each clip was named rightly.
    """
    apart = first - second
    draw = np.random.default_rng(0)
    counts = draw.multinomial(apart.size, np.full(apart.size, 1.0 / apart.size), size=_DRAWS)
    means = counts @ apart / apart.size
    low, high = np.quantile(means, [0.5 - CONFIDENCE / 2, 0.5 + CONFIDENCE / 2])
    return Interval(value=float(apart.mean()), low=float(low), high=float(high))
