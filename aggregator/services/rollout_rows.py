"""Rollouts between rows and rules: read whole, written where they changed."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection

from aggregator.domain.rollouts.plan import LIVE, Plan, Wave
from aggregator.domain.rollouts.states import Member, Node, Order, Rollout, Stage, Step
from aggregator.domain.rollouts.world import Tracked
from aggregator.store import desired, rollouts

_OF_MEMBER = (
    "node", "wave", "state", "reason", "attempt", "phase", "done_bytes", "total_bytes", "assigned_s",
    "changed_s", "running_s", "before", "before_target", "before_attempt",
)  # fmt: skip
_NO_WAVE = Wave(name="none", percent=100)


def read_rollout(connection: Connection, row: Any) -> Rollout:
    """A rollout as its rows say."""
    stages = tuple(
        Stage(began_s=one.began_s, ended_s=one.ended_s, waived=one.waived, forgiven=one.forgiven)
        for one in rollouts.waves(connection, row.id)
    )
    return Rollout(
        id=row.id, plan=Plan.from_plain(json.loads(row.plan)), state=row.state, reason=row.reason,
        automatic=row.automatic, wave=row.wave, stages=stages,
    )  # fmt: skip


def read_tracked(connection: Connection, row: Any) -> Tracked:
    """A rollout with its members."""
    members = [read_member(one) for one in rollouts.members(connection, row.id)]
    return Tracked(read_rollout(connection, row), {one.key: one for one in members})


def read_member(row: Any) -> Member:
    """A member, as its row with the node's name says."""
    return Member(**{name: getattr(row, name) for name in _OF_MEMBER})


def read_node(row: Any) -> Node | None:
    """A node, as rollouts see it; None if it has not introduced itself."""
    if not row.birth:
        return None
    birth = json.loads(row.birth)
    return Node(
        name=row.name,
        site=birth.get("site", ""),
        tags=tuple(birth.get("tags", ())),
        model=birth["model"],
        digest=birth["bundle_digest"],
        frontend_digest=birth["frontend_digest"],
        agent_version=birth["agent_version"],
        takes_updates=birth.get("takes_updates", False),
        heard_s=row.last_heard_s or 0.0,
    )


def save_state(connection: Connection, rollout: Rollout, now_s: float, *, by_person: bool) -> None:
    """Write how far a rollout is, and its waves."""
    rollouts.change(
        connection, rollout.id, by_person=by_person, state=rollout.state, reason=rollout.reason,
        automatic=rollout.automatic, wave=rollout.wave, changed_s=now_s,
    )  # fmt: skip
    rollouts.save_waves(connection, wave_rows(rollout))


def wave_rows(rollout: Rollout) -> list[dict[str, Any]]:
    """The waves of a rollout as rows."""
    return [
        {"rollout_id": rollout.id, "number": number, "began_s": stage.began_s, "ended_s": stage.ended_s,
         "waived": stage.waived, "forgiven": stage.forgiven}
        for number, stage in enumerate(rollout.stages)
    ]  # fmt: skip


def save_steps(connection: Connection, steps: Sequence[Step], ids: Mapping[str, int], now_s: float) -> None:
    """Write the members and orders of steps; of several about the same, the last counts."""
    members = {(step.rollout.id, *one.key): one for step in steps for one in step.members}
    rows = [_member_row(number, one, ids[one.node]) for (number, _, _), one in members.items()]
    rollouts.save_members(connection, rows)
    orders = {order.node: (order, step.rollout.plan) for step in steps for order in step.orders}
    desired.save(
        connection, [_order_row(order, plan, ids[name], now_s) for name, (order, plan) in orders.items()]
    )


def order_row(order: Order, node_id: int, now_s: float) -> dict[str, Any]:
    """What a node should run without any rollout."""
    return _row(order, _NO_WAVE, LIVE, 60.0, node_id, now_s)


def _order_row(order: Order, plan: Plan, node_id: int, now_s: float) -> dict[str, Any]:
    wave = plan.waves[order.wave]
    mode = LIVE if order.rollout is None else wave.mode
    return _row(order, wave, mode, plan.probation_s, node_id, now_s)


def _row(
    order: Order, wave: Wave, mode: str, probation_s: float, node_id: int, now_s: float
) -> dict[str, Any]:
    return {
        "node_id": node_id, "issued_s": now_s, "release": order.release,
        "target": order.target if order.release else "", "rollout": order.rollout, "attempt": order.attempt,
        "mode": mode, "probation_s": probation_s, "shadow_s": wave.shadow_s,
        "shadow_cpu_percent": wave.shadow_cpu_percent,
    }  # fmt: skip


def _member_row(rollout_id: int, member: Member, node_id: int) -> dict[str, Any]:
    told = {name: getattr(member, name) for name in _OF_MEMBER if name != "node"}
    return told | {"rollout_id": rollout_id, "node_id": node_id}
