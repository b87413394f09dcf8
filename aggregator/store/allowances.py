"""Rows of what operators allow of a node; what has no row is not allowed."""

from typing import Any, Final

from sqlalchemy import Column, Connection, Float, ForeignKey, String, Table, and_, select

from aggregator.store.insert import replacing
from aggregator.store.tables import _ID, metadata, nodes

LISTENING: Final = "listening"
TALKING: Final = "talking"

allowances = Table(
    "allowances",
    metadata,
    Column("node_id", _ID, ForeignKey("nodes.id"), primary_key=True, autoincrement=False),
    Column("what", String(20), primary_key=True),  # LISTENING or TALKING
    Column("level", String(10), nullable=False),  # one of its domain's LEVELS
    Column("changed_s", Float, nullable=False),
    Column("changed_by", String(100), nullable=False),
)


def of_node(connection: Connection, name: str, what: str) -> Any | None:
    """Whether a node is connected, its birth, and what was allowed; None if it was never heard."""
    wanted = select(
        nodes.c.online, nodes.c.birth, allowances.c.level, allowances.c.changed_s, allowances.c.changed_by
    )
    own = and_(allowances.c.node_id == nodes.c.id, allowances.c.what == what)
    joined = wanted.select_from(nodes.outerjoin(allowances, own))
    return connection.execute(joined.where(nodes.c.name == name)).one_or_none()


def allow(
    connection: Connection, node_id: int, what: str, level: str, *, changed_s: float, changed_by: str
) -> None:
    """Write what is allowed of a node."""
    row = {
        "node_id": node_id, "what": what, "level": level, "changed_s": changed_s,
        "changed_by": changed_by[:100],
    }  # fmt: skip
    connection.execute(replacing(connection, allowances).values(**row))
