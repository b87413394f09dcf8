"""How many bytes a day each reason may still spend. Pure; the file that keeps it is ``agent.ledger``."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from contract.sampling import Sampling

DAY_S: Final = 86_400.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent:
    """What was spent on a day."""

    day: int
    """Days since 1970, UTC."""
    size_bytes: Mapping[str, int]
    """Reason → bytes."""

    def plus(self, reason: str, size_bytes: int) -> "Spent":
        """After spending that much more."""
        return replace(self, size_bytes={**self.size_bytes, reason: self.of(reason) + size_bytes})

    def of(self, reason: str) -> int:
        """Bytes spent for a reason."""
        return self.size_bytes.get(reason, 0)


def limit_bytes(sampling: Sampling, reason: str) -> int | None:
    """Most bytes a day of windows for ``reason``; ``None``: no limit.

    >>> limit_bytes(Sampling(random_bytes_per_day=7), "random"), limit_bytes(Sampling(), "detection")
    (7, None)
    """
    if reason == "detection":
        return sampling.detection_bytes_per_day or None
    limits = {
        "near_miss": sampling.near_miss_bytes_per_day,
        "uncertain": sampling.uncertain_bytes_per_day,
        "random": sampling.random_bytes_per_day,
        # As much as for near misses, which it resembles; each counts by itself.
        "disagreement": sampling.near_miss_bytes_per_day,
    }
    return limits.get(reason)


def renewed(spent: Spent, wall_s: float, running_s: float) -> Spent:
    """``spent``, or nothing yet if a new day has begun; ``running_s`` is how long the day has lasted already.

    A clock that was set back gives no second budget before a whole day has passed by the steady clock.

    >>> yesterday = Spent(day=2, size_bytes={"random": 9})
    >>> renewed(yesterday, 3 * 86_400.0, 60.0).of("random"), renewed(yesterday, 0.0, 60.0).of("random")
    (0, 9)
    """
    day = int(wall_s // DAY_S)
    if day > spent.day or (day < spent.day and running_s >= DAY_S):
        return Spent(day=day, size_bytes={})
    return spent


def spend(spent: Spent, reason: str, size_bytes: int, limit: int) -> Spent | None:
    """What is spent with ``size_bytes`` more; ``None`` if that would be more than ``limit``."""
    after = spent.plus(reason, size_bytes)
    return after if after.of(reason) <= limit else None
