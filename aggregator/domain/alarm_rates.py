"""Whether more false alarms are more than chance: an exact comparison of two Poisson counts."""

import math
from dataclasses import dataclass

from aggregator.domain.bootstrap_interval import probability


@dataclass(frozen=True, slots=True, kw_only=True)
class Alarms:
    """False alarms in so many hours of sound."""

    count: int
    hours: float

    @property
    def per_hour(self) -> float:
        """Their rate; 0 where nothing was heard."""
        return self.count / self.hours if self.hours > 0 else 0.0


def chance_of_rise(candidate: Alarms, incumbent: Alarms) -> float:
    """The probability of at least as many alarms of the candidate if its true rate were the incumbent's.

    Given how many there were together, each is the candidate's with the probability of its share of the
    hours: no rate has to be estimated.

    >>> round(chance_of_rise(Alarms(count=5, hours=1.0), Alarms(count=0, hours=1.0)), 4)
    0.0312
    >>> chance_of_rise(Alarms(count=0, hours=1.0), Alarms(count=3, hours=1.0))
    1.0
    """
    together = candidate.count + incumbent.count
    hours = candidate.hours + incumbent.hours
    if candidate.count == 0 or hours <= 0:
        return 1.0
    share = candidate.hours / hours
    if share <= 0 or share >= 1:
        return 1.0
    tail = (probability(count, together, share) for count in range(candidate.count, together + 1))
    return min(1.0, math.fsum(tail))
