"""Maintenance windows: hours of the day in which a wave may begin with nodes."""

import re
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from aggregator.errors import RolloutError

_SHAPE: Final = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]):([0-5]\d)")


def read_hours(words: str) -> tuple[int, int] | None:
    """First minute of the day, and the first one after; None for the whole day.

    >>> read_hours("22:00-05:30"), read_hours("")
    ((1320, 330), None)
    """
    if not words:
        return None
    found = _SHAPE.fullmatch(words)
    if found is None:
        raise RolloutError(f"{words!r}: a maintenance window is written as 22:00-05:00")
    hour, minute, end_hour, end_minute = (int(part) for part in found.groups())
    return hour * 60 + minute, end_hour * 60 + end_minute


def read_zone(name: str) -> ZoneInfo | None:
    """The time zone of that name; None for an empty one, which means that of the aggregator.

    >>> read_zone("Europe/Berlin"), read_zone("")
    (zoneinfo.ZoneInfo(key='Europe/Berlin'), None)
    """
    if not name:
        return None
    try:
        return ZoneInfo(name)
    except (OSError, ValueError, KeyError) as error:
        raise RolloutError(f"{name!r} is no time zone such as Europe/Berlin") from error


def minute_of_day(now_s: float, zone: str) -> int:
    """What a clock on the wall says there.

    >>> minute_of_day(0.0, "UTC"), minute_of_day(0.0, "Asia/Kolkata")
    (0, 330)
    """
    local = datetime.fromtimestamp(now_s, read_zone(zone))
    return local.hour * 60 + local.minute


def is_open(words: str, minute: int) -> bool:
    """Whether ``minute`` of the day is inside; a window may reach over midnight.

    >>> is_open("22:00-05:00", 0), is_open("22:00-05:00", 300), is_open("09:00-10:00", 540)
    (True, False, True)
    """
    hours = read_hours(words)
    if hours is None:
        return True
    first, after = hours
    return first <= minute < after if first < after else minute >= first or minute < after
