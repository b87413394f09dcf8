"""Rollouts, as pages and commands show them."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from aggregator.domain.rollouts.plan import Plan
from aggregator.domain.rollouts.states import ASSIGNED, ENDED, FINISHED, WAITING
from aggregator.domain.rollouts.words import size_words, written
from aggregator.services.rollout_outlook import HeldBack

STATES: Final = ("waiting", "skipped", "assigned", "succeeded", "failed", "withdrawn")
"""Of a node in a wave."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WaveView:
    """A wave and how far it is."""

    number: int
    """From 1."""
    name: str
    size: str
    words: str
    """As it was written."""
    mode: str
    state: str
    """``waiting``, ``running`` or ``done``; ``open`` if the rollout ended before."""
    began_s: float | None
    ended_s: float | None
    counts: Mapping[str, int]
    """Nodes by state."""

    @property
    def nodes(self) -> int:
        """All of them."""
        return sum(self.counts.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class RolloutView:
    """A rollout at a glance."""

    id: int
    name: str
    release: str
    """Digest of the bundle."""
    model: str
    state: str
    reason: str
    """Why it is paused or has ended; empty if nobody said."""
    automatic: bool
    """Whether a rule paused it."""
    who: str
    created_s: float
    changed_s: float
    waves: tuple[WaveView, ...]
    zone: str = ""
    """The time zone of the hours of its waves; empty: that of the aggregator."""

    @property
    def ended(self) -> bool:
        """Whether nothing comes of it any more."""
        return self.state in ENDED

    @property
    def settled(self) -> bool:
        """Whether nobody has to look on: it has ended or finished."""
        return self.ended or self.state == FINISHED

    @property
    def counts(self) -> dict[str, int]:
        """Nodes of all waves by state; one in two waves counts twice."""
        return {state: sum(wave.counts[state] for wave in self.waves) for state in STATES}


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberView:
    """A node in a wave."""

    node: str
    wave: str
    state: str
    reason: str
    phase: str
    attempt: int
    done_bytes: int
    total_bytes: int
    assigned_s: float | None
    changed_s: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RolloutDetail:
    """A rollout in full."""

    view: RolloutView
    plan: Plan
    members: tuple[MemberView, ...]
    """Some: those that failed first."""
    members_left: bool
    """Whether there are more than these."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WavePreview:
    """A wave that nobody has begun yet."""

    name: str
    words: str
    mode: str
    nodes: tuple[str, ...]
    """In the order in which they would come."""
    held_back: tuple[HeldBack, ...] = ()
    """Those of them that something stands in the way of now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PinView:
    """A node that rollouts leave alone."""

    node: str
    release: str | None
    """What it should run; None: what it runs."""
    model: str
    reason: str
    who: str
    pinned_s: float


def rollout_view(row: Any, waves: Sequence[Any], counted: Mapping[tuple[int, str], int]) -> RolloutView:
    """A rollout from its rows; ``counted`` by wave and state."""
    plan = Plan.from_plain(json.loads(row.plan))
    return RolloutView(
        id=row.id, name=row.name, release=row.release, model=row.model, state=row.state, reason=row.reason,
        automatic=row.automatic, who=row.who, created_s=row.created_s, changed_s=row.changed_s,
        waves=tuple(_wave(row, plan, stage, counted) for stage in waves), zone=plan.zone,
    )  # fmt: skip


def member_view(row: Any, plan: Plan) -> MemberView:
    """A member from its row."""
    return MemberView(
        node=row.node, wave=plan.waves[row.wave].name, state=row.state, reason=row.reason, phase=row.phase,
        attempt=row.attempt, done_bytes=row.done_bytes, total_bytes=row.total_bytes,
        assigned_s=row.assigned_s, changed_s=row.changed_s,
    )  # fmt: skip


def _wave(row: Any, plan: Plan, stage: Any, counted: Mapping[tuple[int, str], int]) -> WaveView:
    wave, number = plan.waves[stage.number], stage.number
    counts = {state: counted.get((number, state), 0) for state in STATES}
    if stage.ended_s is not None:
        state = "running" if counts[ASSIGNED] and row.state not in ENDED else "done"
    elif row.state in ENDED:
        state = "open"
    else:
        state = "running" if number == row.wave else WAITING
    return WaveView(
        number=number + 1, name=wave.name, size=size_words(wave), words=written(wave), mode=wave.mode,
        state=state, began_s=stage.began_s, ended_s=stage.ended_s, counts=counts,
    )  # fmt: skip
