"""Moments drawn by chance: a small part of everything is seen, whatever the model thinks of it. Pure."""

import math
import random
from typing import Final

HOUR_S: Final = 3600.0


class Moments:
    """Moments of each hour drawn by chance, the same whenever the node was started."""

    def __init__(self, seed: str, per_hour: float) -> None:
        self._seed, self._per_hour = seed, per_hour
        self._hour = -1
        self._left: list[float] = []
        self._last_s = math.inf

    def feed(self, end_s: float) -> bool:
        """Whether one of them has passed since the step before; ``end_s`` in seconds since 1970."""
        last_s, self._last_s = self._last_s, end_s
        hour = int(end_s // HOUR_S)
        if hour != self._hour:
            self._hour, self._left = hour, drawn(self._seed, hour, self._per_hour)
        return any(last_s < moment <= end_s for moment in self._left)


def drawn(seed: str, hour: int, per_hour: float) -> list[float]:
    """The moments of an hour (hours since 1970), seconds since 1970; on average ``per_hour`` of them."""
    dice = random.Random(f"{seed} {hour}")  # noqa: S311 - spreads picks, guards nothing
    count = int(per_hour) + (dice.random() < per_hour % 1)
    return sorted((hour + dice.random()) * HOUR_S for _ in range(count))
