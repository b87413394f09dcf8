"""Rows of rollouts, their waves and their nodes."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, case, func, select, update

from aggregator.store.insert import Rows, replacing
from aggregator.store.rollout_tables import rollout_nodes, rollout_waves, rollouts
from aggregator.store.tables import nodes


def add(connection: Connection, row: dict[str, Any]) -> int:
    """A new rollout; its number."""
    return int(connection.execute(rollouts.insert().values(**row).returning(rollouts.c.id)).scalar_one())


def change(connection: Connection, rollout_id: int, *, by_person: bool, **values: Any) -> None:
    """Change columns of a rollout; the engine reads it again where a person did."""
    raised = {"revision": rollouts.c.revision + 1} if by_person else {}
    connection.execute(update(rollouts).where(rollouts.c.id == rollout_id).values(**values, **raised))


def lock(connection: Connection) -> None:
    """Nobody else changes a rollout before this transaction ends."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql("LOCK TABLE rollouts IN SHARE ROW EXCLUSIVE MODE")


def by_id(connection: Connection, rollout_id: int) -> Any | None:
    """One rollout."""
    return connection.execute(select(rollouts).where(rollouts.c.id == rollout_id)).one_or_none()


def newest(connection: Connection, limit: int) -> Sequence[Any]:
    """The newest rollouts."""
    return connection.execute(select(rollouts).order_by(rollouts.c.id.desc()).limit(limit)).all()


def in_states(connection: Connection, states: Sequence[str]) -> Sequence[Any]:
    """The rollouts in these states, by number."""
    wanted = select(rollouts).where(rollouts.c.state.in_(states))
    return connection.execute(wanted.order_by(rollouts.c.id)).all()


def revisions(connection: Connection, states: Sequence[str]) -> dict[int, int]:
    """Number → revision of the rollouts in these states."""
    wanted = select(rollouts.c.id, rollouts.c.revision).where(rollouts.c.state.in_(states))
    return {row.id: row.revision for row in connection.execute(wanted)}


def save_waves(connection: Connection, rows: Rows) -> None:
    """Write waves, new or known."""
    if rows:
        connection.execute(replacing(connection, rollout_waves), rows)


def waves(connection: Connection, rollout_id: int) -> Sequence[Any]:
    """The waves of a rollout in their order."""
    columns = rollout_waves.c
    wanted = select(rollout_waves).where(columns.rollout_id == rollout_id).order_by(columns.number)
    return connection.execute(wanted).all()


def save_members(connection: Connection, rows: Rows) -> None:
    """Write members, new or known: first those that let go of a node, then those that take one."""
    for taking in (False, True):
        some = [row for row in rows if (row["state"] == "assigned") == taking]
        if some:
            connection.execute(replacing(connection, rollout_nodes), some)


def members(connection: Connection, rollout_id: int) -> Sequence[Any]:
    """The members of a rollout with the names of their nodes."""
    return connection.execute(_named().where(rollout_nodes.c.rollout_id == rollout_id)).all()


def member_counts(connection: Connection, ids: Sequence[int]) -> Sequence[Any]:
    """How many members of these rollouts are in which wave and state."""
    columns = rollout_nodes.c
    key = (columns.rollout_id, columns.wave, columns.state)
    wanted = select(*key, func.count().label("count")).where(columns.rollout_id.in_(ids)).group_by(*key)
    return connection.execute(wanted).all()


def members_shown(
    connection: Connection, rollout_id: int, state: str, wave: int | None, node: str, limit: int
) -> Sequence[Any]:
    """Some members: in a state, of a wave, with a name that begins so; who failed first, who waits last."""
    columns = rollout_nodes.c
    wanted = _named().where(columns.rollout_id == rollout_id)
    if state:
        wanted = wanted.where(columns.state == state)
    if wave is not None:
        wanted = wanted.where(columns.wave == wave)
    if node:
        wanted = wanted.where(nodes.c.name.startswith(node, autoescape=True))
    rank = case((columns.state == "failed", 0), (columns.state == "waiting", 2), else_=1)
    changed = func.coalesce(columns.changed_s, 0.0).desc()
    return connection.execute(wanted.order_by(rank, changed, nodes.c.name, columns.wave).limit(limit)).all()


def attempts(connection: Connection) -> Sequence[Any]:
    """The highest attempt of each node at each release."""
    columns = rollout_nodes.c
    wanted = (
        select(nodes.c.name.label("node"), rollouts.c.release, func.max(columns.attempt).label("attempt"))
        .join(nodes, nodes.c.id == columns.node_id)
        .join(rollouts, rollouts.c.id == columns.rollout_id)
        .where(columns.attempt > 0)
        .group_by(nodes.c.name, rollouts.c.release)
    )
    return connection.execute(wanted).all()


def _named() -> Any:
    wanted = select(rollout_nodes, nodes.c.name.label("node"))
    return wanted.join(nodes, nodes.c.id == rollout_nodes.c.node_id)
