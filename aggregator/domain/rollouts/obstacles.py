"""What stands between a node and the release."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from aggregator.domain.rollouts.plan import Plan
from aggregator.domain.rollouts.states import SKIPPED, WAITING, Node
from aggregator.domain.rollouts.tally import Patience


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """Everything around a rollout that it depends on."""

    nodes: Mapping[str, Node]
    pinned: Mapping[str, str] = field(default_factory=dict)
    """Node → the model that it is pinned to; empty: what it runs."""
    now_s: float
    minute: Callable[[str], int] = lambda _zone: 0
    """Time zone → the minute of the day there; without a name: the aggregator's."""
    patience: Patience = field(default_factory=Patience)
    agreed: Mapping[int, float] = field(default_factory=dict)
    """Rollout → the share of steps in which a shadow and the model in service agreed."""
    desired: Mapping[str, tuple[str | None, str, int]] = field(default_factory=dict)
    """Node → digest, target and attempt of what it is to run now, where something was said."""
    tried: Mapping[tuple[str, str], int] = field(default_factory=dict)
    """Node and digest → the highest attempt of any rollout."""
    unpublished: frozenset[str] = frozenset()
    """Digests that are not published any more, or whose signatures have expired."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Holders:
    """Which other rollouts have to do with a node."""

    busy: Mapping[str, int] = field(default_factory=dict)
    """Node → the unfinished rollout that holds it."""
    newest: Mapping[str, int] = field(default_factory=dict)
    """Node → the newest rollout that has not ended and is about it."""


def obstacle(
    rollout_id: int, plan: Plan, name: str, situation: Situation, holders: Holders, *, finished: bool
) -> tuple[str, str]:
    """``skipped`` or ``waiting`` and the reason; two empty words if nothing stands in the way."""
    node = situation.nodes.get(name)
    if node is None or situation.patience.silent(node, situation.now_s):
        return WAITING, "silent"
    if reason := unfit(plan, node):
        return SKIPPED, reason
    if name in situation.pinned:
        return SKIPPED, f"pinned to {situation.pinned[name] or 'what it runs'}"
    if finished and holders.newest.get(name, rollout_id) > rollout_id:
        return SKIPPED, f"rollout {holders.newest[name]} is newer"
    if holders.busy.get(name, rollout_id) != rollout_id:
        return WAITING, f"busy in rollout {holders.busy[name]}"
    return "", ""


def unfit(plan: Plan, node: Node) -> str:
    """Why a node cannot run the release; empty if it can."""
    release = plan.release
    if not node.takes_updates:
        return "it takes no updates: [update] root is not set there"
    if release.nodes is not None and node.name not in release.nodes:
        return "the release is not for this node"
    if node.frontend_digest != release.frontend_digest and not plan.new_front_end:
        return "its front end is another one"
    if is_older(node.agent_version, release.minimum_agent_version):
        return f"its agent {node.agent_version} is older than {release.minimum_agent_version}"
    return ""


def is_older(version: str, least: str) -> bool:
    """Whether a version comes before another one.

    >>> is_older("0.9.1", "0.10"), is_older("1.0", "1.0.0"), is_older("1.0", "")
    (True, False, False)
    """
    mine, theirs = _numbers(version), _numbers(least)
    longest = max(len(mine), len(theirs))
    return mine + [0] * (longest - len(mine)) < theirs + [0] * (longest - len(theirs))


def _numbers(version: str) -> list[int]:
    return [int(part) for part in re.findall(r"\d{1,9}", version)]
