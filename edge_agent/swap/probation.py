"""Whether a model that has just come into service stays there, and why not. Pure.

The model before hears the same sound beside it, so both are judged by the same world; where it cannot, what
depends on the comparison is judged more leniently, or not at all.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from contract.manifest import is_target
from edge_agent.swap.chance import binomial_head, poisson_tail

CHANCE: Final = 1e-4
"""How seldom a good model may be rolled back by chance."""
_COST_AFTER_S: Final = 5.0
_COST_FREE: Final = 0.02
"""Processor seconds per second of sound that any model may take, whatever the one before took."""
_BEHIND_S: Final = 2.0
_UNCONNECTED_S: Final = 45.0
_LATE_S: Final = 7.0
"""Longest run of any model, and a second: results may lag so far behind the sound."""
_ALIVE: Final = 0.1
"""Posteriors that move so far, from a model that tells sounds apart, are an answer to them."""
_DEAD: Final = 1 / 255
"""Posteriors that move less than this do not move."""
_STIRRED: Final = 0.1
"""A model that hears rises above this at what it does not detect, too."""
_UNMOVED: Final = 0.25
"""How often, at most, a good model stays below that at a sound that the one before detects."""
_LOUD_DB: Final = 12.0
"""Sound whose level moved so far held something to answer to."""
_UNKNOWN_EVERY_S: Final = 6.0
"""Detections of a label that the model before does not know come no more often, as a rule."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a model is allowed."""

    probation_s: float
    """Sound that it has to hear before it is trusted."""
    cost_factor: float
    """Processor time, as a multiple of that of the model before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """What the model before made of the same sound."""

    labels: tuple[str, ...]
    spread: float
    """Difference between highest and lowest posterior, of the label where it is largest."""
    found: Mapping[str, int]
    """Label → detections."""
    both: int
    """Detections, of labels that both know, that the candidate made as well."""
    lost: int
    """Detections, of labels that both know, that it did not make."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """What was seen of a model since it came into service."""

    heard_s: float
    """Sound that it was given."""
    answered_s: float
    """Sound that it gave posteriors for."""
    steps: int
    broken: int
    """Posteriors that are no numbers between 0 and 1."""
    spread: float
    level_range_db: float
    stirred: float
    """Highest posterior of any label that it can detect."""
    cost: float | None
    """Processor seconds per second of sound; ``None``: not known yet."""
    before_cost: float | None
    """The same of the model before."""
    found: Mapping[str, int] = field(default_factory=dict)
    """Label → detections."""
    reference: Reference | None = None
    behind_s: float = 0.0
    """Sound that waits to be processed."""
    unconnected_s: float = 0.0
    """Time without the connection that there was when it came into service."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """``continue``, ``confirm`` or ``roll_back``."""

    action: str
    reason: str = ""
    """Why it is rolled back, in a sentence."""


def judge(seen: Observed, limits: Limits) -> Verdict:
    """What to do with a model of which this was seen."""
    complaints = (
        _broken(seen), _mute(seen), _behind(seen), _slow(seen, limits), _constant(seen), _flood(seen),
        _deaf(seen), _unconnected(seen),
    )  # fmt: skip
    reason = next((complaint for complaint in complaints if complaint), "")
    if reason:
        return Verdict(action="roll_back", reason=reason)
    return Verdict(action="confirm" if seen.heard_s >= limits.probation_s and seen.steps else "continue")


def _broken(seen: Observed) -> str:
    if not seen.broken:
        return ""
    return f"{seen.broken} of its {seen.steps} posteriors are no numbers between 0 and 1"


def _mute(seen: Observed) -> str:
    if seen.heard_s - seen.answered_s <= _LATE_S:
        return ""
    return f"it answered only to {seen.answered_s:.1f} of {seen.heard_s:.1f} s of sound"


def _behind(seen: Observed) -> str:
    if seen.behind_s <= _BEHIND_S:
        return ""
    return f"the node cannot keep up with it: {seen.behind_s:.1f} s of sound were waiting"


def _slow(seen: Observed, limits: Limits) -> str:
    before = seen.before_cost
    if seen.cost is None or before is None or seen.heard_s < _COST_AFTER_S:
        return ""
    if seen.cost <= max(limits.cost_factor * before, _COST_FREE):
        return ""
    return (
        f"it takes {100 * seen.cost:.1f} % of a core, {seen.cost / max(before, 1e-9):.1f} times as much as "
        f"the model before; {limits.cost_factor:g} times are allowed"
    )


def _constant(seen: Observed) -> str:
    if seen.heard_s < _COST_AFTER_S or seen.spread >= _DEAD:
        return ""
    if seen.reference is not None and seen.reference.spread >= _ALIVE:
        return "it gives the same answer to everything, while the model before told sounds apart"
    if seen.reference is None and seen.level_range_db >= _LOUD_DB:
        return (
            f"it gives the same answer to everything, though the level moved by {seen.level_range_db:.0f} dB"
        )
    return ""


def _flood(seen: Observed) -> str:
    before = seen.reference.found if seen.reference is not None else {}
    known = seen.reference.labels if seen.reference is not None else ()
    usual = 1 + seen.heard_s / _UNKNOWN_EVERY_S
    for label, count in sorted(seen.found.items()):
        expected = 1 + 2 * before.get(label, 0) if label in known else usual
        if poisson_tail(count, expected) < CHANCE / len(seen.found):
            said = f", the model before {before.get(label, 0)} times" if label in known else ""
            return f"it detected {label!r} {count} times in {seen.heard_s:.0f} s{said}"
    return ""


def _deaf(seen: Observed) -> str:
    reference = seen.reference
    if reference is None or not any(is_target(label) for label in reference.labels):
        return ""
    of = reference.both + reference.lost
    if seen.stirred < _STIRRED and not reference.both and _UNMOVED**reference.lost < 10 * CHANCE:
        return (
            f"none of its posteriors rose above {100 * _STIRRED:.0f} %, while the model before detected "
            f"{reference.lost} sounds"
        )
    if not reference.lost or binomial_head(reference.both, of) >= 10 * CHANCE:
        return ""
    return f"it missed {reference.lost} of {of} sounds that the model before detected"


def _unconnected(seen: Observed) -> str:
    if seen.unconnected_s <= _UNCONNECTED_S:
        return ""
    return f"the connection to the broker has been lost for {seen.unconnected_s:.0f} s since it is in service"
