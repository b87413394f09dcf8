"""Which version of the agent comes before another."""

import re


def older_than(version: str, least: str) -> bool:
    """Whether a version comes before another.

    >>> older_than("1.9", "1.10.0rc1")
    True
    """
    return _numbers(version) < _numbers(least)


def _numbers(version: str) -> tuple[int, ...]:
    """The leading numbers of a version, for comparison.

    >>> _numbers("1.10.0rc1") > _numbers("1.9")
    True
    """
    parts = re.match(r"\d+(?:\.\d+)*", version)
    return tuple(int(part) for part in parts[0].split(".")) if parts else ()
