"""Waves as people write them: ``canary=tag:canary, hours=22:00-05:00``."""

import re
from typing import Any, Final

from aggregator.domain.rollouts.plan import SHADOW, Wave
from aggregator.errors import RolloutError

HELP: Final = (
    "NAME=SIZE[, KEY=VALUE…]; SIZE: 10% of the targets reached with it, a number of nodes, or tag:NAME; "
    "keys: shadow=1h (listen only, so long), success=90% (of those that ended), errors=5% (of all), "
    "least=30m, hours=22:00-05:00, zone=Europe/Berlin, at-once=20, agree=98% (a shadow with the model in "
    "service), cpu=25%"
)
USUAL: Final = ("canary=1, success=100%", "early=10%", "all=100%")
"""Waves, where nobody says otherwise."""
_UNITS: Final = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0}
_PERCENTS: Final = {"success": "success_percent", "errors": "error_percent", "agree": "agreement_percent",
                    "cpu": "shadow_cpu_percent"}  # fmt: skip


def read_wave(words: str) -> Wave:
    """The wave that ``words`` describe; ``RolloutError`` says what cannot be read.

    >>> read_wave("ears=5%, shadow=2h, agree=98%").mode, read_wave("all=100%").percent
    ('shadow', 100.0)
    """
    first, *rest = (part.strip() for part in words.split(","))
    name, size = _pair(first, "a wave begins with its name and size, as in early=10%")
    given: dict[str, Any] = {"name": name} | _size(size)
    for part in rest:
        key, value = _pair(part, f"wave {name}: {part!r} is not KEY=VALUE")
        given |= _setting(name, key, value)
    return Wave(**given)


def written(wave: Wave) -> str:
    """The words of a wave.

    >>> written(read_wave("early=10%,errors=2%,least=90m"))
    'early=10%, errors=2%, least=90m'
    """
    usual, parts = Wave(name="usual", count=1), [f"{wave.name}={size_words(wave)}"]
    if wave.mode == SHADOW:
        parts.append(f"shadow={_duration(wave.shadow_s)}")
    for key, field in _PERCENTS.items():
        if getattr(wave, field) != getattr(usual, field):
            parts.append(f"{key}={getattr(wave, field):g}%")
    if wave.minimum_s:
        parts.append(f"least={_duration(wave.minimum_s)}")
    if wave.hours:
        parts.append(f"hours={wave.hours}")
    if wave.zone:
        parts.append(f"zone={wave.zone}")
    if wave.at_once:
        parts.append(f"at-once={wave.at_once}")
    return ", ".join(parts)


def size_words(wave: Wave) -> str:
    """The size of a wave, as it is written."""
    if wave.tag:
        return f"tag:{wave.tag}"
    return str(wave.count) if wave.percent is None else f"{wave.percent:g}%"


def read_duration(words: str) -> float:
    """Seconds of ``90s``, ``30m``, ``2h``, ``1d``, or a plain number of seconds.

    >>> read_duration("30m"), read_duration("45")
    (1800.0, 45.0)
    """
    found = re.fullmatch(r"(\d{1,9}(?:\.\d{1,6})?)\s*([smhd]?)", words.strip())
    if found is None:
        raise RolloutError(f"{words!r} is no length of time such as 30m or 2h")
    return float(found[1]) * _UNITS[found[2] or "s"]


def _size(words: str) -> dict[str, Any]:
    if words.startswith("tag:"):
        return {"tag": words.removeprefix("tag:")}
    if words.endswith("%"):
        return {"percent": _number(words.removesuffix("%"))}
    return {"count": round(_number(words))}


def _setting(name: str, key: str, value: str) -> dict[str, Any]:
    if key in _PERCENTS:
        return {_PERCENTS[key]: _number(value.removesuffix("%"))}
    if key == "shadow":
        return {"mode": SHADOW, "shadow_s": read_duration(value)}
    if key == "least":
        return {"minimum_s": read_duration(value)}
    if key in ("hours", "zone"):
        return {key: value}
    if key == "at-once":
        return {"at_once": round(_number(value))}
    raise RolloutError(f"wave {name}: there is no {key!r}; {HELP}")


def _pair(words: str, complaint: str) -> tuple[str, str]:
    name, equals, value = (part.strip() for part in words.partition("="))
    if not (name and equals and value):
        raise RolloutError(complaint)
    return name, value


def _number(words: str) -> float:
    if re.fullmatch(r"\d{1,7}(\.\d{1,6})?", words.strip()) is None:
        raise RolloutError(f"{words!r} is not a number")
    return float(words)


def _duration(seconds: float) -> str:
    for unit in ("d", "h", "m"):
        if seconds >= _UNITS[unit] and seconds % _UNITS[unit] == 0:
            return f"{seconds / _UNITS[unit]:g}{unit}"
    return f"{seconds:g}s"
