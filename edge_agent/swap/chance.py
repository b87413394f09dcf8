"""What may be chance: tails of two distributions. Pure."""

import math


def poisson_tail(count: int, mean: float) -> float:
    """Chance of ``count`` events or more where ``mean`` are expected.

    >>> round(poisson_tail(1, 1.0), 3), poisson_tail(0, 1.0), poisson_tail(3, 0.0)
    (0.632, 1.0, 0.0)
    """
    if count <= 0:
        return 1.0
    if mean <= 0:
        return 0.0
    below = (math.exp(k * math.log(mean) - mean - math.lgamma(k + 1)) for k in range(count))
    return max(0.0, 1.0 - sum(below))


def binomial_head(count: int, of: int, share: float = 0.5) -> float:
    """Chance of ``count`` successes or fewer in ``of`` trials.

    >>> binomial_head(0, 10), binomial_head(10, 10)
    (0.0009765625, 1.0)
    """
    if count >= of:
        return 1.0
    return sum(math.comb(of, k) * share**k * (1 - share) ** (of - k) for k in range(count + 1))
