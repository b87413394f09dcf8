"""Rows of the sampling policies, and of what nodes were told."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, delete, select, update

from aggregator.store.insert import unless_there
from aggregator.store.tables import commands, nodes, sampling_policies


def policies(connection: Connection) -> Sequence[Any]:
    """Every policy, by scope and target."""
    columns = sampling_policies.c
    return connection.execute(select(sampling_policies).order_by(columns.scope, columns.target)).all()


def put(connection: Connection, scope: str, target: str, values: dict[str, Any]) -> None:
    """Make the policy of a scope, or replace it."""
    columns = sampling_policies.c
    connection.execute(
        unless_there(connection, sampling_policies).values(scope=scope, target=target, **values)
    )
    connection.execute(
        update(sampling_policies).where(columns.scope == scope, columns.target == target).values(**values)
    )


def remove(connection: Connection, scope: str, target: str) -> bool:
    """Whether there was such a policy; now there is none."""
    columns = sampling_policies.c
    done = connection.execute(
        delete(sampling_policies).where(columns.scope == scope, columns.target == target)
    )
    return done.rowcount > 0


def node_rows(connection: Connection) -> Sequence[Any]:
    """Name, whether it is connected, and birth, of every node that has introduced itself."""
    wanted = select(nodes.c.name, nodes.c.online, nodes.c.birth, nodes.c.clock_offset_s)
    return connection.execute(wanted.where(nodes.c.birth.is_not(None)).order_by(nodes.c.name)).all()


def orders(connection: Connection, now_s: float) -> Sequence[Any]:
    """Node, sampling and time of every command that tells one and has not expired, the oldest first."""
    return connection.execute(
        select(nodes.c.name.label("node"), commands.c.sampling)
        .join(nodes, nodes.c.id == commands.c.node_id)
        .where(commands.c.sampling.is_not(None), commands.c.expires_s > now_s)
        .order_by(commands.c.issued_s)
    ).all()


def sent(connection: Connection, node: str, limit: int) -> Sequence[Any]:
    """The commands with a sampling that were sent to a node last, newest first."""
    return connection.execute(
        select(commands.c.sampling, commands.c.sent_s)
        .join(nodes, nodes.c.id == commands.c.node_id)
        .where(nodes.c.name == node, commands.c.sampling.is_not(None), commands.c.sent_s.is_not(None))
        .order_by(commands.c.issued_s.desc())
        .limit(limit)
    ).all()
