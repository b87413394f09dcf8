"""Whether posteriors are distributed as they were. Pure."""

import math
from collections.abc import Sequence
from typing import Final

BUCKETS: Final = 20
LEAST: Final = 30
"""With fewer detections on either side nothing is said."""
SHIFTED: Final = 0.25
"""From here on two distributions are taken for different; below 0.1 for the same."""


def bucket(posterior: float) -> int:
    """Where a posterior belongs.

    >>> bucket(0.0), bucket(0.52), bucket(1.0)
    (0, 10, 19)
    """
    return min(max(int(posterior * BUCKETS), 0), BUCKETS - 1)


def stability_index(now: Sequence[int], before: Sequence[int]) -> float | None:
    """The population stability index of two histograms, 0 for equal ones; None of too few.

    Half a detection is added to each bucket, so that an empty one is no infinity, and what chance alone
    gives with so few detections is taken off.
    """
    many, usual = sum(now), sum(before)
    if many < LEAST or usual < LEAST:
        return None
    used = [(one, other) for one, other in zip(now, before, strict=True) if one or other]
    half = len(used) / 2
    index = sum(
        ((one + 0.5) / (many + half) - (other + 0.5) / (usual + half))
        * math.log((one + 0.5) / (many + half) / ((other + 0.5) / (usual + half)))
        for one, other in used
    )
    return max(0.0, index - (len(used) - 1) * (1 / many + 1 / usual))
