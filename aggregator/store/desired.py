"""Rows of what each node should run, and of pins."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, bindparam, delete, select, update

from aggregator.store.insert import Rows, replacing
from aggregator.store.rollout_tables import ota_desired, ota_pins
from aggregator.store.tables import nodes


def save(connection: Connection, rows: Rows) -> None:
    """Want this of nodes. The serial of each grows, and each waits to be sent."""
    if not rows:
        return
    ids = [row["node_id"] for row in rows]
    known = select(ota_desired.c.node_id, ota_desired.c.serial).where(ota_desired.c.node_id.in_(ids))
    serials = {row.node_id: row.serial for row in connection.execute(known)}
    told = [row | {"serial": serials.get(row["node_id"], 0) + 1, "sent_s": None} for row in map(dict, rows)]
    connection.execute(replacing(connection, ota_desired), told)


def every(connection: Connection) -> Sequence[Any]:
    """What every node should run of which something was ever said."""
    return connection.execute(_named()).all()


def of_node(connection: Connection, name: str) -> Any | None:
    """What a node should run; None if nothing was ever said."""
    return connection.execute(_named().where(nodes.c.name == name)).one_or_none()


def unsent(connection: Connection, limit: int) -> Sequence[Any]:
    """What has not been handed to the broker yet, the oldest first."""
    wanted = _named().where(ota_desired.c.sent_s.is_(None)).order_by(ota_desired.c.issued_s)
    return connection.execute(wanted.limit(limit)).all()


def mark_sent(connection: Connection, sent: Sequence[tuple[int, int]], now_s: float) -> None:
    """Node ids and serials of what has been handed to the broker; what is newer still waits."""
    columns = ota_desired.c
    mine = (columns.node_id == bindparam("key")) & (columns.serial == bindparam("told"))
    rows = [{"key": node_id, "told": serial, "sent": now_s} for node_id, serial in sent]
    if rows:
        connection.execute(update(ota_desired).where(mine).values(sent_s=bindparam("sent")), rows)


def send_again(connection: Connection) -> None:
    """Everything waits to be sent anew: the broker may have lost it."""
    connection.execute(update(ota_desired).where(ota_desired.c.sent_s.is_not(None)).values(sent_s=None))


def pin(connection: Connection, row: dict[str, Any]) -> None:
    """Pin a node, or pin it otherwise."""
    connection.execute(replacing(connection, ota_pins), [row])


def unpin(connection: Connection, node_id: int) -> bool:
    """Whether the node was pinned."""
    return connection.execute(delete(ota_pins).where(ota_pins.c.node_id == node_id)).rowcount > 0


def pins(connection: Connection) -> Sequence[Any]:
    """Every pin with the name of its node, by name."""
    wanted = select(ota_pins, nodes.c.name.label("node")).join(nodes, nodes.c.id == ota_pins.c.node_id)
    return connection.execute(wanted.order_by(nodes.c.name)).all()


def _named() -> Any:
    wanted = select(ota_desired, nodes.c.name.label("node"))
    return wanted.join(nodes, nodes.c.id == ota_desired.c.node_id)
