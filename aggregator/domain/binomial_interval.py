"""What a share of so many items says of the share of all there could be, by the binomial distribution."""

import math
from collections.abc import Callable
from typing import Final

from aggregator.domain.bootstrap_interval import Interval, binomial

_HALVINGS: Final = 50
_LEFT_OUT: Final = 0.025
"""On each side: 95 % are within."""


def chance_of_fewer(count: int, items: int, share: float) -> float:
    """The probability of at most ``count`` of ``items`` if each counts with the probability ``share``.

    >>> round(chance_of_fewer(1, 2, 0.5), 2)
    0.75
    """
    return min(1.0, math.fsum(chance for some, chance in binomial(items, share) if some <= count))


def share_interval(count: int, items: int) -> Interval:
    """The 95 % interval of a share, by Clopper and Pearson; 0 to 1 without items.

    >>> reach = share_interval(14, 21)
    >>> round(reach.low, 2), round(reach.high, 2)
    (0.43, 0.85)
    """
    low = 0.0 if count == 0 else _solved(lambda share: 1 - chance_of_fewer(count - 1, items, share))
    high = 1.0 if count == items else 1 - _solved(lambda share: chance_of_fewer(count, items, 1 - share))
    return Interval(low=low, high=high)


def _solved(rising: Callable[[float], float]) -> float:
    """Where a function that rises with a share reaches what is left out."""
    low, high = 0.0, 1.0
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if rising(middle) < _LEFT_OUT else (low, middle)
    return (low + high) / 2
