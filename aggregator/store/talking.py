"""Rows of who may talk to a node; to a node without one nobody may."""

from typing import Any

from sqlalchemy import Column, Connection, Float, ForeignKey, String, Table, select

from aggregator.store.insert import replacing
from aggregator.store.tables import _ID, metadata, nodes

talking = Table(
    "talking",
    metadata,
    Column("node_id", _ID, ForeignKey("nodes.id"), primary_key=True, autoincrement=False),
    Column("level", String(10), nullable=False),  # one of domain.talking.LEVELS
    Column("changed_s", Float, nullable=False),
    Column("changed_by", String(100), nullable=False),
)


def of_node(connection: Connection, name: str) -> Any | None:
    """Whether a node is connected, its birth, and what was allowed; None if it was never heard."""
    wanted = select(nodes.c.online, nodes.c.birth, talking.c.level, talking.c.changed_s, talking.c.changed_by)
    joined = wanted.select_from(nodes.outerjoin(talking, talking.c.node_id == nodes.c.id))
    return connection.execute(joined.where(nodes.c.name == name)).one_or_none()


def allow(connection: Connection, node_id: int, values: dict[str, Any]) -> None:
    """Write what is allowed of a node."""
    connection.execute(replacing(connection, talking).values(node_id=node_id, **values))
