"""Whether a microphone went deaf, or the noise floor rose, by the levels of hours. Pure.

What is now is held against every hour of the reference, not against its mean: nights are quiet and mornings
loud, and neither is an alarm.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from aggregator.domain.drift_limits import USUAL_LIMITS, DriftLimits

LEAST_SECONDS: Final = 900
"""An hour with fewer levels says nothing."""
LEAST_REFERENCE_HOURS: Final = 24
DEAF_HOURS: Final = 2
FLAT_DB: Final = 0.5
"""No place is so even that its loud and quiet seconds differ by less; a dead input is."""
RISE_HOURS: Final = 3
USUAL_SHARE: Final = 0.95
"""A floor as high as in the loudest hours of the reference is usual; these are the hours beyond."""
STEADY_DB: Final = 6.0
"""The floor lies no further than this below the middle, and changes by no more from hour to hour."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelHour:
    """The levels of about an hour, dBFS: quiet (L10), middle (L50) and loud (L90) seconds."""

    start_s: float
    seconds: int
    low_dbfs: float
    middle_dbfs: float
    high_dbfs: float

    @property
    def says_something(self) -> bool:
        """Whether it has enough seconds."""
        return self.seconds >= LEAST_SECONDS


def level_hour(start_s: float, levels_dbfs: NDArray[np.float64]) -> LevelHour | None:
    """The quantiles of one-second levels; None without any.

    >>> level_hour(0.0, np.array([-50.0, -40.0, -30.0])).middle_dbfs
    -40.0
    """
    if not levels_dbfs.size:
        return None
    low, middle, high = (round(float(one), 2) for one in np.percentile(levels_dbfs, (10, 50, 90)))
    return LevelHour(
        start_s=start_s, seconds=int(levels_dbfs.size), low_dbfs=low, middle_dbfs=middle, high_dbfs=high
    )


def together(hours: Sequence[LevelHour]) -> LevelHour | None:
    """About what these hours were together: the median of each quantile. None without any."""
    if not hours:
        return None
    rows = np.array([(one.low_dbfs, one.middle_dbfs, one.high_dbfs) for one in hours])
    low, middle, high = (round(float(one), 2) for one in np.median(rows, axis=0))
    return LevelHour(
        start_s=hours[0].start_s,
        seconds=sum(one.seconds for one in hours),
        low_dbfs=low,
        middle_dbfs=middle,
        high_dbfs=high,
    )


def usual(hours: Sequence[LevelHour]) -> LevelHour | None:
    """Where levels usually lie: from the quiet seconds of quiet hours (the lowest tenth) to the loud seconds
    of loud hours (the highest tenth). None without any hour."""
    middle = together(hours)
    if middle is None:
        return None
    low = float(np.quantile([one.low_dbfs for one in hours], 0.1))
    high = float(np.quantile([one.high_dbfs for one in hours], 0.9))
    return replace(middle, low_dbfs=round(low, 2), high_dbfs=round(high, 2))


def deaf_by_db(
    recent: Sequence[LevelHour], reference: Sequence[LevelHour], limits: DriftLimits = USUAL_LIMITS
) -> float | None:
    """By how much even the loud seconds of the last hours fall short of the quietest reference; None if the
    microphone hears. An input that does not move at all, and did before, counts as deaf, too."""
    last, usual = _last(recent, DEAF_HOURS), _usable(reference)
    if last is None or usual is None:
        return None
    quietest = min(one.high_dbfs for one in usual)
    short = quietest - max(one.high_dbfs for one in last)
    flat = all(one.high_dbfs - one.low_dbfs < FLAT_DB for one in last)
    moved = all(one.high_dbfs - one.low_dbfs >= FLAT_DB for one in usual)
    return short if short >= limits.deaf_below_db or (flat and moved) else None


def floor_rise_db(
    recent: Sequence[LevelHour], reference: Sequence[LevelHour], limits: DriftLimits = USUAL_LIMITS
) -> float | None:
    """By how much the noise floor stands above its usual height, if it rose steadily; else None."""
    last, usual = _last(recent, RISE_HOURS), _usable(reference)
    if last is None or usual is None:
        return None
    floors = [one.low_dbfs for one in last]
    highest = float(np.quantile([one.low_dbfs for one in usual], USUAL_SHARE))
    steady = max(floors) - min(floors) <= STEADY_DB and all(
        one.middle_dbfs - one.low_dbfs <= STEADY_DB for one in last
    )
    rise = min(floors) - highest
    return rise if steady and rise >= limits.fan_rise_db else None


def _last(recent: Sequence[LevelHour], count: int) -> Sequence[LevelHour] | None:
    last = recent[-count:]
    return last if len(last) == count and all(one.says_something for one in last) else None


def _usable(reference: Sequence[LevelHour]) -> Sequence[LevelHour] | None:
    usable = [one for one in reference if one.says_something]
    return usable if len(usable) >= LEAST_REFERENCE_HOURS else None
