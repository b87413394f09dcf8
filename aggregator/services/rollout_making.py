"""Writes a new rollout, within a transaction."""

import json
from collections.abc import Mapping, Sequence

from sqlalchemy import Connection

from aggregator.domain.rollouts import orders
from aggregator.domain.rollouts.plan import Plan, Targets
from aggregator.domain.rollouts.states import ASSIGNED, PAUSED, RUNNING, WAITING, Member, Node, Step
from aggregator.errors import RolloutError
from aggregator.services import audit
from aggregator.services.rollout_rows import read_node, read_tracked, save_steps, wave_rows
from aggregator.store import fleet
from aggregator.store import rollouts as store

LONGEST_NAME = 120


def known_nodes(connection: Connection) -> dict[str, Node]:
    """Every node that has introduced itself."""
    rows = fleet.changed_since(connection, -1)
    return {row.name: node for row in rows if (node := read_node(row)) is not None}


def refuse_overlap(connection: Connection, members: Sequence[Member], *, instead: str = "") -> None:
    """``RolloutError`` while another rollout holds one of these nodes."""
    names = {member.node for member in members}
    for row in store.in_states(connection, (RUNNING, PAUSED)):
        mine = read_tracked(connection, row).members.values()
        held = sorted({one.node for one in mine if one.state in (WAITING, ASSIGNED)} & names)
        if held:
            others = f" and {len(held) - 1} more" if len(held) > 1 else ""
            raise RolloutError(
                f"rollout {row.id} is {row.state} and holds {held[0]}{others}: "
                f"halt or cancel it first{instead}"
            )


def begin(
    connection: Connection,
    plan: Plan,
    members: Sequence[Member],
    *,
    name: str,
    who: str,
    now_s: float,
    paused: bool = False,
) -> int:
    """Write a rollout with its waves and members, and who began it; its number."""
    state = orders.fresh(0, plan, paused=paused).state
    row = {
        "name": name.strip()[:LONGEST_NAME] or f"{plan.release.model} to {_whom(plan.targets)}",
        "release": plan.release.digest, "model": plan.release.model,
        "plan": json.dumps(plan.to_plain(), ensure_ascii=False), "state": state, "reason": "",
        "automatic": False, "wave": 0, "who": who, "created_s": now_s, "changed_s": now_s, "revision": 1,
    }  # fmt: skip
    number = store.add(connection, row)
    begun = orders.fresh(number, plan, paused=paused)
    store.save_waves(connection, wave_rows(begun))
    ids: Mapping[str, int] = fleet.ids(connection)
    save_steps(connection, [Step(rollout=begun, members=tuple(members))], ids, now_s)
    told = {
        "rollout": number, "release": plan.release.digest, "model": plan.release.model,
        "nodes": len({member.node for member in members}), "waves": len(plan.waves),
    }  # fmt: skip
    audit.enter(connection, who, "rollout.create", told, now_s)
    return number


def _whom(targets: Targets) -> str:
    named = (*targets.nodes, *targets.tags, *targets.sites)
    if not named:
        return "the fleet"
    return ", ".join(named[:3]) + (f" and {len(named) - 3} more" if len(named) > 3 else "")
