"""False alarms per hour against misses, with one knob: each threshold of the bundle moved by the same logit.

False alarms are counted on streams that hold no target, misses on clips inside other sound; both as the
node's detector would report them. The knob at zero is the bundle as it is.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from model_build.report.intervals import poisson_upper, wilson
from model_build.report.rules import Rules
from model_build.sweep import Levels, averages, count_starts, stacked, starts

BUDGET_PER_H = 0.5
MISSES = (0.10, 0.05)
_SHIFTS = np.round(np.arange(-60, 61) / 10, 1)
_AS_IT_IS = int(np.flatnonzero(_SHIFTS == 0.0)[0])


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatingPoint:
    """One position of the knob."""

    shift: float
    """Logits by which each threshold is moved"""
    false_alarms: int
    per_hour: float
    """Not a number without streams, and then no point keeps a limit"""
    per_hour_upper: float
    """95 % upper bound (Poisson)"""
    missed: int
    miss_rate: float
    miss_low: float
    """95 % interval (Wilson)"""
    miss_high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Alarms:
    """The trade between false alarms and misses.

    The points named after a limit are picked on the very recordings that they are measured on: with few hours
    look at the upper bound.
    """

    hours: float
    clips: int
    """Clips of labels that can be detected"""
    as_it_is: OperatingPoint
    at_budget: OperatingPoint | None
    """Fewest misses at no more than ``BUDGET_PER_H`` false alarms per hour"""
    at_miss_10: OperatingPoint | None
    """Fewest false alarms with no more than one clip in ten missed; none if no position reaches that"""
    at_miss_5: OperatingPoint | None
    """The same for one clip in twenty"""
    curve: tuple[OperatingPoint, ...]
    """From the lowest thresholds to the highest"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What was heard of a clip inside other sound."""

    label: str
    posteriors: NDArray[np.float32]
    """(steps, K)"""
    steps: tuple[int, int]
    """First and last step in which a detection of the clip may start"""


def weigh_alarms(
    streams: Sequence[NDArray[np.float32]], hours: float, asked: Sequence[Asked], rules: Rules
) -> Alarms:
    """The trade on ``streams`` (steps, K) each and on clips of labels that can be detected."""
    levels = moved_thresholds(rules)
    alarms = np.zeros(_SHIFTS.size, np.int64)
    for stream in streams:
        average = averages(stream[None], rules.smoothing_s)
        alarms += count_starts(average, levels, rules.refractory_s).sum(axis=(0, 1))
    missed = len(asked) - count_hits(asked, levels, rules) if asked else np.zeros(_SHIFTS.size, np.int64)
    curve = tuple(
        _point(float(shift), int(alarms[place]), hours, int(missed[place]), len(asked))
        for place, shift in enumerate(_SHIFTS)
    )
    within = [point for point in curve if point.per_hour <= BUDGET_PER_H]
    return Alarms(
        hours=hours,
        clips=len(asked),
        as_it_is=curve[_AS_IT_IS],
        at_budget=min(within, key=lambda point: (point.missed, point.per_hour), default=None),
        at_miss_10=_fewest(curve, MISSES[0]),
        at_miss_5=_fewest(curve, MISSES[1]),
        curve=curve,
    )


def moved_thresholds(rules: Rules) -> Levels:
    """(K, G) thresholds at each position of the knob; labels that are never detected stay off."""
    levels = np.ones((len(rules.labels), _SHIFTS.size))
    for index in rules.targets:
        threshold = rules.thresholds[rules.labels[index]]
        if threshold < 1.0:
            inside = min(max(threshold, 1e-4), 1 - 1e-4)
            logits = np.log(inside / (1 - inside)) + _SHIFTS
            levels[index] = np.minimum(1 / (1 + np.exp(-logits)), 1 - 1e-9)
            levels[index, _AS_IT_IS] = threshold
    return levels


def count_hits(asked: Sequence[Asked], levels: Levels, rules: Rules) -> NDArray[np.int64]:
    """(G,) clips of which a detection starts when it may."""
    truth = np.array([rules.labels.index(one.label) for one in asked])
    first, last = np.array([one.steps for one in asked]).T
    own = np.arange(len(asked))
    hit = np.zeros((len(asked), levels.shape[1]), dtype=bool)
    average = stacked([one.posteriors for one in asked], rules.smoothing_s)
    for step, rising in enumerate(starts(average, levels, rules.refractory_s)):
        in_time = (first <= step) & (step <= last)
        hit |= rising[own, truth] & in_time[:, None]
    return np.asarray(hit.sum(axis=0))


def _point(shift: float, alarms: int, hours: float, missed: int, clips: int) -> OperatingPoint:
    low, high = wilson(missed, clips)
    return OperatingPoint(
        shift=shift,
        false_alarms=alarms,
        per_hour=alarms / hours if hours else math.nan,
        per_hour_upper=poisson_upper(alarms, hours),
        missed=missed,
        miss_rate=missed / clips if clips else 0.0,
        miss_low=low,
        miss_high=high,
    )


def _fewest(curve: Sequence[OperatingPoint], limit: float) -> OperatingPoint | None:
    good = [point for point in curve if point.miss_rate <= limit and not math.isnan(point.per_hour)]
    return min(good, key=lambda point: (point.per_hour, point.missed), default=None)
