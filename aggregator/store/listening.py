"""Rows of what may be listened to; a node without one may not be."""

from typing import Any

from sqlalchemy import Column, Connection, Float, ForeignKey, String, Table, select

from aggregator.store.insert import replacing
from aggregator.store.tables import _ID, metadata, nodes

listening = Table(
    "listening",
    metadata,
    Column("node_id", _ID, ForeignKey("nodes.id"), primary_key=True, autoincrement=False),
    Column("level", String(10), nullable=False),  # one of domain.listening.LEVELS
    Column("changed_s", Float, nullable=False),
    Column("changed_by", String(100), nullable=False),
)


def of_node(connection: Connection, name: str) -> Any | None:
    """Whether a node is connected, its birth, and what was allowed; None if it was never heard."""
    wanted = select(
        nodes.c.online, nodes.c.birth, listening.c.level, listening.c.changed_s, listening.c.changed_by
    )
    joined = wanted.select_from(nodes.outerjoin(listening, listening.c.node_id == nodes.c.id))
    return connection.execute(joined.where(nodes.c.name == name)).one_or_none()


def allow(connection: Connection, node_id: int, values: dict[str, Any]) -> None:
    """Write what is allowed of a node."""
    connection.execute(replacing(connection, listening).values(node_id=node_id, **values))
