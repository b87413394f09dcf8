"""How far a difference between two models on the same items may be chance: the paired bootstrap.

Drawing the items again and again, with replacement, only counts how many of the drawn ones were lost, gained
or neither. Those counts are multinomial, so that what endless drawing would give is summed here instead: the
same figures always give the same interval, and one item more that is lost never makes it look better.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

_REACH: Final = 7.0
"""Standard deviations beyond which a binomial count is left out: less than 1e-11 of the probability."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pairs:
    """The answers of two models to the same items."""

    items: int
    lost: int
    """Items that only the incumbent answered rightly."""
    gained: int
    """Items that only the candidate answered rightly."""

    def __post_init__(self) -> None:
        if min(self.lost, self.gained) < 0 or self.lost + self.gained > self.items:
            raise ValueError("more items changed than there are")

    @property
    def difference(self) -> float:
        """The candidate's accuracy minus the incumbent's, -1 to 1; 0 without items."""
        return (self.gained - self.lost) / self.items if self.items else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """Where a difference may lie."""

    low: float
    high: float


@lru_cache(maxsize=4096)
def interval(pairs: Pairs, chance: float) -> Interval:
    """The interval that leaves out ``chance`` (0 to 0.5) of the bootstrap's distribution on each side.

    >>> interval(Pairs(items=100, lost=12, gained=2), 0.05)
    Interval(low=-0.16, high=-0.04)
    >>> interval(Pairs(items=100, lost=0, gained=0), 0.05)
    Interval(low=0.0, high=0.0)
    """
    if not pairs.lost + pairs.gained:
        return Interval(low=0.0, high=0.0)
    shares = _distribution(pairs)
    total = math.fsum(shares.values())
    ordered = sorted(shares.items())
    low, high = (_quantile(ordered, level * total) for level in (chance, 1 - chance))
    return Interval(low=low / pairs.items, high=high / pairs.items)


def binomial(count: int, share: float) -> Iterator[tuple[int, float]]:
    """Numbers of successes in ``count`` trials with their probabilities; hopeless ones are left out.

    >>> [(k, round(p, 3)) for k, p in binomial(2, 0.5)]
    [(0, 0.25), (1, 0.5), (2, 0.25)]
    """
    if share <= 0 or share >= 1:
        yield (count if share >= 1 else 0), 1.0
        return
    middle = count * share
    reach = _REACH * math.sqrt(count * share * (1 - share)) + _REACH
    for successes in range(max(0, math.floor(middle - reach)), min(count, math.ceil(middle + reach)) + 1):
        yield successes, probability(successes, count, share)


def probability(successes: int, count: int, share: float) -> float:
    """The probability of exactly ``successes`` in ``count`` trials, with 0 < ``share`` < 1."""
    ways = math.lgamma(count + 1) - math.lgamma(successes + 1) - math.lgamma(count - successes + 1)
    return math.exp(ways + successes * math.log(share) + (count - successes) * math.log1p(-share))


def _distribution(pairs: Pairs) -> dict[int, float]:
    """Gained minus lost in a resample, with its probability."""
    changed = pairs.lost + pairs.gained
    shares: dict[int, float] = {}
    for drawn, drawn_probability in binomial(pairs.items, changed / pairs.items):
        for gained, probability_ in binomial(drawn, pairs.gained / changed):
            difference = 2 * gained - drawn
            shares[difference] = shares.get(difference, 0.0) + drawn_probability * probability_
    return shares


def _quantile(ordered: list[tuple[int, float]], level: float) -> int:
    reached = 0.0
    for difference, share in ordered:
        reached += share
        if reached >= level:
            return difference
    return ordered[-1][0]
