"""A token bucket: so many bytes a second, and a second's worth at once after a rest."""

from dataclasses import dataclass
from typing import Final

BURST_S: Final = 1.0


@dataclass(frozen=True, slots=True)
class Bucket:
    """How many bytes may go at once, as of a moment. Below zero they were spent in advance."""

    level_bytes: float
    at_s: float


def full(rate_bytes_per_s: float, now_s: float) -> Bucket:
    """A bucket after a long rest."""
    return Bucket(rate_bytes_per_s * BURST_S, now_s)


def spend(bucket: Bucket, size_bytes: int, rate_bytes_per_s: float, now_s: float) -> tuple[Bucket, float]:
    """The bucket after ``size_bytes``, and for how many seconds they must wait.

    >>> spend(full(100, 0.0), 250, 100, 0.0)
    (Bucket(level_bytes=-150.0, at_s=0.0), 1.5)
    """
    level = min(
        bucket.level_bytes + max(0.0, now_s - bucket.at_s) * rate_bytes_per_s, rate_bytes_per_s * BURST_S
    )
    left = level - size_bytes
    return Bucket(left, now_s), max(0.0, -left / rate_bytes_per_s)
