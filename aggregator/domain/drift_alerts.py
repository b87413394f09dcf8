"""Alerts of drift: what holds now, and which begin, go on or end with it. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from aggregator.domain.drift_limits import USUAL_LIMITS, DriftLimits

DEAF: Final = "deaf"
FAN: Final = "fan"
FLOOD: Final = "flood"
DAY_S: Final = 86_400.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A rule that holds now."""

    kind: str
    label: str
    """Of a flood; else empty."""
    sentence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Open:
    """An alert that has not ended."""

    id: int
    kind: str
    label: str
    begun_s: float
    held_s: float
    """When its rule held last."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """What to do with the alerts of a node."""

    begin: tuple[Finding, ...] = ()
    hold: tuple[tuple[int, Finding], ...] = ()
    end: tuple[int, ...] = ()


def changes(
    findings: Iterable[Finding],
    open_alerts: Sequence[Open],
    now_s: float,
    limits: DriftLimits = USUAL_LIMITS,
) -> Changes:
    """Which alerts begin, hold and end. Each kind and label has one open alert at most."""
    by_key = {(one.kind, one.label): one for one in open_alerts}
    holding = {(one.kind, one.label): one for one in findings}
    accepted = [one.id for one in open_alerts if now_s - one.begun_s >= limits.accepted_days * DAY_S]
    calm = [
        one.id for key, one in by_key.items() if key not in holding and now_s - one.held_s >= limits.calm_s
    ]
    return Changes(
        begin=tuple(one for key, one in holding.items() if key not in by_key),
        hold=tuple(
            (by_key[key].id, one)
            for key, one in holding.items()
            if key in by_key and by_key[key].id not in accepted
        ),
        end=tuple(sorted({*accepted, *calm})),
    )


def reference_end_s(now_s: float, recent_s: float, open_alerts: Iterable[Open]) -> float:
    """Where the reference ends: before now, and before what is wrong began, lest that become usual."""
    return min([now_s - recent_s, *(one.begun_s - recent_s for one in open_alerts)])
