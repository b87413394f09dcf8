"""How far a figure from few clips or few hours can be trusted: 95 % bounds."""

import math

from scipy.stats import chi2

_Z = 1.959963984540054
"""97.5 % quantile of the normal distribution."""


def wilson(right: int, of: int) -> tuple[float, float]:
    """95 % interval of a part of which ``right`` of ``of`` were seen (Wilson 1927).

    >>> tuple(round(bound, 3) for bound in wilson(95, 100))
    (0.888, 0.978)
    """
    if of == 0:
        return 0.0, 1.0
    part, z2 = right / of, _Z * _Z
    centre = part + z2 / (2 * of)
    reach = _Z * math.sqrt(part * (1 - part) / of + z2 / (4 * of * of))
    low, high = (centre - reach) / (1 + z2 / of), (centre + reach) / (1 + z2 / of)
    return (0.0 if right == 0 else low), (1.0 if right == of else high)


def poisson_upper(count: int, hours: float) -> float:
    """Rate per hour that is not exceeded with 95 % confidence after ``count`` events in ``hours``.

    One-sided and exact, by the chi-square distribution (Garwood 1936); none seen gives 3 / ``hours``.

    >>> round(poisson_upper(0, 1.0), 2), round(poisson_upper(3, 6.0), 2)
    (3.0, 1.29)
    """
    if hours <= 0:
        return math.inf
    return float(chi2.ppf(0.95, 2 * count + 2)) / 2 / hours
