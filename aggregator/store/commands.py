"""Rows of the commands that wait for their node."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, select, update

from aggregator.store.tables import commands, nodes


def queue(connection: Connection, node: str, row: dict[str, Any]) -> bool:
    """Queue a command; False if there is no such node."""
    node_id = connection.scalar(select(nodes.c.id).where(nodes.c.name == node))
    if node_id is None:
        return False
    connection.execute(commands.insert().values(node_id=node_id, **row))
    return True


def waiting(connection: Connection, now_s: float, limit: int) -> Sequence[Any]:
    """Commands to send that have not expired, the oldest first, with their node's name."""
    return connection.execute(
        select(commands, nodes.c.name.label("node"))
        .join(nodes, nodes.c.id == commands.c.node_id)
        .where(commands.c.sent_s.is_(None), commands.c.expires_s > now_s)
        .order_by(commands.c.issued_s)
        .limit(limit)
    ).all()


def mark_sent(connection: Connection, ids: Sequence[str], now_s: float) -> None:
    """The commands have been handed to the broker."""
    connection.execute(update(commands).where(commands.c.id.in_(ids)).values(sent_s=now_s))


def recent(connection: Connection, node: str, limit: int) -> Sequence[Any]:
    """The commands queued last for a node, newest first."""
    return connection.execute(
        select(commands, nodes.c.name.label("node"))
        .join(nodes, nodes.c.id == commands.c.node_id)
        .where(nodes.c.name == node)
        .order_by(commands.c.issued_s.desc())
        .limit(limit)
    ).all()
