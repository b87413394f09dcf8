"""Whether a label is detected far more often than it was: an exact test that knows of bursts. Pure."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from aggregator.domain.alarm_rates import Alarms, chance_of_rise
from aggregator.domain.drift_limits import USUAL_LIMITS, DriftLimits

LEAST_BLOCKS: Final = 4
"""Blocks of the reference, together a day if they are of six hours."""
EXACT_UP_TO: Final = 5000
"""More events are compared by the normal distribution: by then it is the same."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """How often a label was detected now, and in each block of the reference that is as long."""

    count: int
    hours: float
    """Length of now, and of each block."""
    blocks: tuple[int, ...]

    @property
    def per_hour(self) -> float:
        """Now."""
        return self.count / self.hours if self.hours else 0.0

    @property
    def usual_per_hour(self) -> float:
        """In the reference."""
        return sum(self.blocks) / (len(self.blocks) * self.hours) if self.blocks and self.hours else 0.0


def dispersion(counts: Sequence[int]) -> float:
    """How much more counts vary than by chance alone (variance by mean), at least 1: barks come in bursts.

    >>> dispersion([2, 2, 2]), dispersion([0, 0, 12])
    (1.0, 12.0)
    """
    if len(counts) < 2 or not sum(counts):
        return 1.0
    mean = sum(counts) / len(counts)
    variance = sum((one - mean) ** 2 for one in counts) / (len(counts) - 1)
    return max(1.0, variance / mean)


def chance(rate: Rate) -> float:
    """The probability of so many detections, or more, if nothing has changed. A burst counts as one event."""
    burst = dispersion(rate.blocks)
    now = Alarms(count=math.floor(rate.count / burst), hours=rate.hours)
    before = Alarms(count=math.ceil(sum(rate.blocks) / burst), hours=rate.hours * len(rate.blocks))
    if now.count + before.count <= EXACT_UP_TO:
        return chance_of_rise(now, before)
    return _normal_tail(now, before)


def is_flood(rate: Rate, limits: DriftLimits = USUAL_LIMITS) -> bool:
    """Whether a label floods: often, far more often than usual, more than in any block of the reference, and
    more than chance gives."""
    return (
        rate.count >= limits.flood_detections
        and len(rate.blocks) >= LEAST_BLOCKS
        and rate.count > max(rate.blocks)
        and rate.per_hour >= limits.flood_factor * rate.usual_per_hour
        and chance(rate) <= limits.flood_chance
    )


def _normal_tail(now: Alarms, before: Alarms) -> float:
    together = now.count + before.count
    hours = now.hours + before.hours
    share = now.hours / hours if hours > 0 else 0.0
    if not 0 < share < 1:
        return 1.0
    distance = (now.count - 0.5 - together * share) / math.sqrt(together * share * (1 - share))
    return 0.5 * math.erfc(distance / math.sqrt(2))
