"""Rows of nodes and boots."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Float, bindparam, cast, func, select, update

from aggregator.domain.progress import Progress
from aggregator.domain.sequences import Ranges
from aggregator.errors import UnknownNodeError
from aggregator.store.insert import Rows, find_or_add
from aggregator.store.tables import boots, gap_ranges, nodes, received


def node_row(connection: Connection, name: str) -> Any:
    """The node of that name, made if it was never heard."""
    return find_or_add(connection, nodes, {"name": name}, {"revision": 0, "online": False})


def boot_row(connection: Connection, node_id: int, boot: str, now_s: float) -> Any:
    """The boot of a node, made if it was never heard."""
    fresh = {
        "first_heard_s": now_s,
        "last_heard_s": now_s,
        "superseded": False,
        "through": 0,
        "received": 0,
        "duplicates": 0,
        "missing": 0,
    }
    return find_or_add(connection, boots, {"node_id": node_id, "boot": boot}, fresh)


def load_progress(connection: Connection, boot_id: int, through: int) -> Progress:
    """What came and what was declared as dropped, of one boot."""
    place = received.c.sequence - func.row_number().over(order_by=received.c.sequence)
    numbered = select(received.c.sequence, place.label("island")).where(received.c.boot_id == boot_id)
    island = numbered.subquery().c
    came = connection.execute(
        select(func.min(island.sequence), func.max(island.sequence)).group_by(island.island)
    )
    dropped = connection.execute(
        select(gap_ranges.c.first, gap_ranges.c.last).where(gap_ranges.c.boot_id == boot_id)
    )
    refused = connection.execute(
        select(received.c.sequence).where(
            received.c.boot_id == boot_id, received.c.sequence > through, received.c.refused
        )
    )
    return Progress(
        received=Ranges((first, last) for first, last in came),
        declared=Ranges((first, last) for first, last in dropped),
        refused=refused.scalars(),
        through=through,
    )


def highest_revision(connection: Connection) -> int:
    """The newest revision of any node; 0 if there is none."""
    return int(connection.scalar(select(func.max(nodes.c.revision))) or 0)


def save_nodes(connection: Connection, rows: Rows) -> None:
    """Write the nodes whose ``key`` is given, all columns."""
    _save(connection, nodes, rows)


def save_boots(connection: Connection, rows: Rows) -> None:
    """Write the boots whose ``key`` is given, all columns."""
    _save(connection, boots, rows)


def _save(connection: Connection, table: Any, rows: Rows) -> None:
    if rows:
        columns: dict[str, Any] = {name: bindparam(name) for name in rows[0] if name != "key"}
        connection.execute(update(table).where(table.c.id == bindparam("key")).values(columns), rows)


def all_nodes(connection: Connection, names: Sequence[str] | None = None) -> Sequence[Any]:
    """Every node, or those named, with the count of what is missing, sorted by name."""
    # As a float: a node may declare so many that whole numbers overflow.
    missing = (
        select(func.sum(cast(boots.c.missing, Float))).where(boots.c.node_id == nodes.c.id).scalar_subquery()
    )
    wanted = select(nodes, func.coalesce(missing, 0).label("missing")).order_by(nodes.c.name)
    if names is not None:
        wanted = wanted.where(nodes.c.name.in_(names))
    return connection.execute(wanted).all()


def nodes_since(connection: Connection, revision: int) -> Sequence[Any]:
    """Name and revision of the nodes that changed after ``revision``."""
    return connection.execute(
        select(nodes.c.name, nodes.c.revision).where(nodes.c.revision > revision).order_by(nodes.c.revision)
    ).all()


def changed_since(connection: Connection, revision: int) -> Sequence[Any]:
    """Who the nodes are that changed after ``revision``, and when they were heard."""
    columns = nodes.c
    wanted = select(columns.id, columns.name, columns.revision, columns.birth, columns.last_heard_s)
    return connection.execute(wanted.where(columns.revision > revision)).all()


def node_id(connection: Connection, name: str) -> int:
    """The number of a node; ``UnknownNodeError`` if none of that name was ever heard."""
    found: int | None = connection.scalar(select(nodes.c.id).where(nodes.c.name == name))
    if found is None:
        raise UnknownNodeError(f"no node called {name!r} was ever heard")
    return found


def ids(connection: Connection) -> dict[str, int]:
    """The number of each node by name."""
    return {row.name: row.id for row in connection.execute(select(nodes.c.name, nodes.c.id))}


def boots_of(connection: Connection, node_id: int, limit: int) -> Sequence[Any]:
    """The boots of a node, heard last first."""
    return connection.execute(
        select(boots).where(boots.c.node_id == node_id).order_by(boots.c.last_heard_s.desc()).limit(limit)
    ).all()
