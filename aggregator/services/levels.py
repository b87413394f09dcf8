"""Sound level over time."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelPoint:
    """The sound level within one bucket of time."""

    start_s: float
    min_dbfs: float
    mean_dbfs: float
    """Energy mean: the Leq of the bucket."""
    max_dbfs: float


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelSeries:
    """Points in time order; a bucket in which nothing was heard has no point."""

    since_s: float
    until_s: float
    bucket_s: float
    points: tuple[LevelPoint, ...]


def bucketed(
    stretches: Sequence[tuple[float, NDArray[np.float64]]], since_s: float, until_s: float, points: int
) -> LevelSeries:
    """One-second levels in buckets. ``stretches`` are (start, levels in dBFS), in order of time.

    >>> series = bucketed([(0.0, np.array([-20.0, -40.0]))], 0.0, 4.0, 2)
    >>> [(point.start_s, point.max_dbfs) for point in series.points]
    [(0.0, -20.0)]
    """
    bucket_s = max(1.0, (until_s - since_s) / max(points, 1))
    empty: list[NDArray[np.float64]] = [np.zeros(0)]
    times = np.concatenate([start + np.arange(len(values)) for start, values in stretches] or empty)
    heard = np.concatenate([values for _, values in stretches] or empty)
    inside = (times >= since_s) & (times < until_s)
    places, heard = ((times[inside] - since_s) // bucket_s).astype(int), heard[inside]
    found = []
    for place in np.unique(places):
        values = heard[places == place]
        found.append(
            LevelPoint(
                start_s=since_s + int(place) * bucket_s,
                min_dbfs=float(values.min()),
                mean_dbfs=float(10 * np.log10(np.mean(10 ** (values / 10)))),
                max_dbfs=float(values.max()),
            )
        )
    return LevelSeries(since_s=since_s, until_s=until_s, bucket_s=bucket_s, points=tuple(found))
