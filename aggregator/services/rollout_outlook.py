"""What stands in the way of a rollout's nodes before it begins."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from sqlalchemy import Connection

from aggregator.domain.rollouts import orders
from aggregator.domain.rollouts.advance import advance
from aggregator.domain.rollouts.obstacles import Situation
from aggregator.domain.rollouts.plan import Plan
from aggregator.domain.rollouts.states import PAUSED, RUNNING, Member, Node
from aggregator.domain.rollouts.tally import Patience
from aggregator.domain.rollouts.world import holders_of
from aggregator.services.rollout_rows import read_tracked
from aggregator.store import desired
from aggregator.store import rollouts as store


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldBack:
    """A node that would not be told yet."""

    node: str
    state: str
    """``skipped`` until that changes, or ``waiting``."""
    reason: str


def outlook(
    connection: Connection,
    plan: Plan,
    members: Sequence[Member],
    nodes: Mapping[str, Node],
    patience: Patience,
    now_s: float,
) -> dict[int, tuple[HeldBack, ...]]:
    """Wave, from 0 → its nodes that something stands in the way of now, by the rules themselves."""
    situation = Situation(
        nodes=nodes, pinned={row.node: row.model for row in desired.pins(connection)}, now_s=now_s,
        patience=patience,
    )  # fmt: skip
    others = {row.id: read_tracked(connection, row) for row in store.in_states(connection, (RUNNING, PAUSED))}
    # Paused in its last wave: the rules look at every node, and give nothing to any.
    begun = replace(orders.fresh(0, plan, paused=True), wave=len(plan.waves) - 1)
    step = advance(begun, {one.key: one for one in members}, situation, holders_of(others, least=1))
    return _by_wave(step.members)


def by_reason(waves: Iterable[Iterable[HeldBack]]) -> dict[tuple[str, str], tuple[str, ...]]:
    """State and reason → the nodes, each once, in however many waves they are."""
    found: dict[tuple[str, str], dict[str, None]] = {}
    for one in (one for wave in waves for one in wave):
        found.setdefault((one.state, one.reason), {})[one.node] = None
    return {why: tuple(names) for why, names in found.items()}


def _by_wave(members: Iterable[Member]) -> dict[int, tuple[HeldBack, ...]]:
    found: dict[int, tuple[HeldBack, ...]] = {}
    for one in sorted(members, key=lambda member: member.key):
        held = HeldBack(node=one.node, state=one.state, reason=one.reason)
        found[one.wave] = (*found.get(one.wave, ()), held)
    return found
