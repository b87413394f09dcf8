"""When a training begins by itself: at a time of night, if enough was reviewed since the last one."""

from datetime import datetime, time, timedelta
from typing import Final

PATIENCE: Final = timedelta(hours=2)
"""A program that starts later than this after the time waits for the next night."""


def read_time(words: str) -> time | None:
    """A time of day, ``HH:MM`` as the settings have checked it; None if ``words`` is empty.

    >>> read_time("02:30")
    datetime.time(2, 30)
    """
    return time.fromisoformat(words) if words else None


def due(now: datetime, at: time | None, last: datetime | None) -> bool:
    """Whether it is time to look, at local time ``now``; ``last`` is when that was done before.

    >>> due(datetime(2026, 5, 2, 2, 31), time(2, 30), datetime(2026, 5, 1, 2, 30))
    True
    >>> due(datetime(2026, 5, 2, 2, 32), time(2, 30), datetime(2026, 5, 2, 2, 31))
    False
    """
    if at is None:
        return False
    moment = datetime.combine(now.date(), at)
    if moment > now:
        moment -= timedelta(days=1)
    return now - moment < PATIENCE and (last is None or last < moment)
