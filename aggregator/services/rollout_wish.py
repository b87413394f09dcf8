"""What somebody wants rolled out, and what becomes of it: a plan with members, or a sentence why not."""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from aggregator.domain.published import Published
from aggregator.domain.rollouts.plan import LIVE, Plan, Release, Targets, Wave
from aggregator.domain.rollouts.selection import draft, is_target
from aggregator.domain.rollouts.states import Member, Node
from aggregator.errors import RolloutError

SHORTEST_DIGEST: Final = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """A rollout, as somebody asks for it."""

    release: str
    """A published bundle: its digest or the beginning of it, its target's name, or ``name@version``."""
    waves: tuple[Wave, ...]
    targets: Targets = field(default_factory=Targets)
    name: str = ""
    seed: str = ""
    """Sets which nodes come first; empty: by chance."""
    takes_new: bool = True
    new_front_end: bool = False
    whole_sites: bool = False
    probation_s: float = 60.0
    zone: str = ""
    """The time zone of maintenance windows; empty: that of the aggregator."""
    paused: bool = False
    """It waits for somebody to resume it."""
    waits: bool = False
    """For other rollouts that hold some of its nodes; else it is refused while there are any."""


def find_release(published: Sequence[Published], words: str) -> Published:
    """The published bundle that ``words`` name; ``RolloutError`` if none or several are."""
    if not published:
        raise RolloutError("nothing is published yet: `aggregator ota publish` does that")
    found = [one for one in published if words in (one.digest, one.target, one.model)]
    if not found and len(words) >= SHORTEST_DIGEST:
        found = [one for one in published if one.digest.startswith(words)]
    if not found:
        raise RolloutError(f"no published bundle is called {words!r}; `aggregator ota list` shows them")
    if len({one.digest for one in found}) > 1:
        raise RolloutError(f"{words!r} names several bundles: say which by its digest")
    return found[0]


def plan_of(wish: Wish, published: Published) -> Plan:
    """The plan of a wish."""
    release = Release(
        digest=published.digest, target=published.target, model=published.model,
        frontend_digest=published.frontend_digest, minimum_agent_version=published.minimum_agent_version,
        nodes=published.nodes,
    )  # fmt: skip
    return Plan(
        release=release, targets=wish.targets, waves=wish.waves, seed=wish.seed or secrets.token_hex(8),
        takes_new=wish.takes_new, new_front_end=wish.new_front_end, whole_sites=wish.whole_sites,
        probation_s=wish.probation_s, zone=wish.zone,
    )  # fmt: skip


def members_of(plan: Plan, nodes: Mapping[str, Node], *, require_shadow: bool) -> list[Member]:
    """Who is in which wave; ``RolloutError`` if it makes no sense so."""
    _know(plan.targets, nodes)
    if require_shadow and plan.waves[0].mode == LIVE:
        raise RolloutError(
            "the settings ask that a release listens as a shadow first (rollouts.require_shadow)"
        )
    members = draft(plan, nodes.values())
    if not members:
        raise RolloutError(f"no node is meant{_others(plan, nodes)}")
    for number, wave in enumerate(plan.waves[:-1]):
        # Where waves before have reached a percentage already, there is nobody left for it; that is fine.
        meant = wave.percent is None or wave.mode != LIVE
        if meant and not any(member.wave == number for member in members):
            raise RolloutError(f"wave {wave.name} has no node")
    return members


def _know(targets: Targets, nodes: Mapping[str, Node]) -> None:
    """A name that nobody has is a slip."""
    for name in (*targets.nodes, *targets.exclude):
        if name not in nodes:
            raise RolloutError(f"no node called {name!r} has introduced itself")
    for what, named, known in (
        ("tag", targets.tags, {tag for node in nodes.values() for tag in node.tags}),
        ("site", targets.sites, {node.site for node in nodes.values()}),
    ):
        for name in named:
            if name not in known:
                raise RolloutError(f"no node has the {what} {name!r}")


def _others(plan: Plan, nodes: Mapping[str, Node]) -> str:
    anyway = replace(plan, targets=replace(plan.targets, any_model=True))
    count = sum(is_target(anyway, node) for node in nodes.values())
    if not count:
        return ""
    runs = "1 node runs" if count == 1 else f"{count} nodes run"
    return f": {runs} a model of another name than {plan.release.kind} (any model can be asked for)"
