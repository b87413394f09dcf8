"""How far a rollout is, and each of its nodes."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from aggregator.domain.rollouts.plan import Plan, Wave

RUNNING: Final = "running"
PAUSED: Final = "paused"
FINISHED: Final = "finished"
"""Every wave is done. Nodes that come late still get the release."""
HALTED: Final = "halted"
CANCELLED: Final = "cancelled"
SUPERSEDED: Final = "superseded"
"""A later rollout has finished with all of its nodes."""
ENDED: Final = (HALTED, CANCELLED, SUPERSEDED)
"""Nothing comes of such a rollout any more."""

WAITING: Final = "waiting"
SKIPPED: Final = "skipped"
"""Something stands in the way; the node's turn comes when it does not any more."""
ASSIGNED: Final = "assigned"
SUCCEEDED: Final = "succeeded"
FAILED: Final = "failed"
WITHDRAWN: Final = "withdrawn"
FINAL: Final = (SUCCEEDED, FAILED, WITHDRAWN)
"""Only an order to try again changes these, and only ``failed``."""

TOGETHER: Final = "its site goes together"
"""So begins the reason of nodes that share what befell another one of their site."""

Key = tuple[int, str]
"""Number of the wave, from 0, and name of the node."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """A node, as far as rollouts ask."""

    name: str
    site: str = ""
    tags: tuple[str, ...] = ()
    model: str = ""
    digest: str = ""
    """Of the bundle that its last birth named."""
    frontend_digest: str = ""
    agent_version: str = ""
    takes_updates: bool = True
    heard_s: float = 0.0

    @property
    def place(self) -> str:
        """The site; a node without one is its own."""
        return self.site or f"node {self.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """How far a wave is."""

    began_s: float | None = None
    """When its first node was assigned."""
    ended_s: float | None = None
    waived: bool = False
    """Somebody resumed the rollout although the wave did not meet its conditions."""
    forgiven: int = 0
    """So many failures do not count any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rollout:
    """A rollout as it is now."""

    id: int
    plan: Plan
    state: str = RUNNING
    reason: str = ""
    automatic: bool = False
    """Paused by a rule, not by a person."""
    wave: int = 0
    """The one that runs, from 0."""
    stages: tuple[Stage, ...] = ()

    @property
    def current(self) -> Wave:
        """The wave that runs."""
        return self.plan.waves[self.wave]

    @property
    def ended(self) -> bool:
        """Whether nothing comes of it any more."""
        return self.state in ENDED

    @property
    def unfinished(self) -> bool:
        """Whether it holds its nodes."""
        return self.state in (RUNNING, PAUSED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A node in a wave."""

    node: str
    wave: int
    state: str = WAITING
    reason: str = ""
    attempt: int = 0
    """The one that is under way or was the last; 0: none yet."""
    phase: str = ""
    """What the node has reached (``contract.updates.PHASES``)."""
    done_bytes: int = 0
    total_bytes: int = 0
    assigned_s: float | None = None
    changed_s: float | None = None
    """When it was assigned, or said something new last."""
    running_s: float | None = None
    """Since when its births name the release."""
    before: str | None = None
    """What it was to run before, or did run; None: not known."""
    before_target: str = ""
    before_attempt: int = 1

    @property
    def key(self) -> Key:
        """Where it stands in its rollout."""
        return self.wave, self.node

    @property
    def final(self) -> bool:
        """Whether nothing more comes of it."""
        return self.state in FINAL


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What a node should run from now on."""

    node: str
    release: str | None
    """None: stay as you are."""
    target: str = ""
    attempt: int = 1
    rollout: int | None = None
    """None: no rollout waits for an answer."""
    wave: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What changes."""

    rollout: Rollout
    members: tuple[Member, ...] = ()
    orders: tuple[Order, ...] = ()


Members = Mapping[Key, Member]


def back(member: Member) -> Order:
    """The order that puts a node back to what it was to run before; to stay, if nothing was said."""
    said = bool(member.before_target)
    return Order(
        node=member.node,
        release=member.before if said else None,
        target=member.before_target,
        attempt=member.before_attempt,
    )
