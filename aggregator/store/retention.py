"""Deleting what is older, or more, than it should become, a slice at a time."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Table, delete, func, literal, select, true, tuple_

from aggregator.store.review_tables import reviews
from aggregator.store.tables import detections, levels, nodes, quarantine, windows


@dataclass(frozen=True, slots=True, kw_only=True)
class Class:
    """One kind of rows that has bounds of its own."""

    table: Table
    belongs: ColumnElement[bool]
    bytes: ColumnElement[int]
    """What a row takes, about; its share of the indexes with it."""
    oldest_of_each_node: bool = False


_ANSWERED: Final = (
    select(reviews.c.id)
    .where(reviews.c.window_id == windows.c.id, reviews.c.undone_s.is_(None), reviews.c.verdict != "skip")
    .exists()
)
_OF_WINDOW: Final = func.length(windows.c.frames) + func.length(windows.c.posteriors) + literal(1200)
CLASSES: Final = {
    "detections": Class(table=detections, belongs=true(), bytes=literal(450)),
    "windows": Class(table=windows, belongs=~_ANSWERED, bytes=_OF_WINDOW),
    "reviewed_windows": Class(table=windows, belongs=_ANSWERED, bytes=_OF_WINDOW),
    # The history of levels has an index by node, and none by time.
    "levels": Class(
        table=levels, belongs=true(), bytes=func.length(levels.c["values"]) + literal(20),
        oldest_of_each_node=True,
    ),
}  # fmt: skip


def delete_before(connection: Connection, name: str, before_s: float, limit: int) -> int:
    """Delete at most ``limit`` rows of a class (of levels: per node) begun before a moment; how many."""
    kind = CLASSES[name]
    old = kind.belongs & (kind.table.c.start_s < before_s)
    return sum(_delete(connection, kind, rows) for rows in _oldest(connection, kind, old, limit))


def size_bytes(connection: Connection, name: str) -> int:
    """What a class takes in the database, about. Reads all of its rows, but not their blobs."""
    kind = CLASSES[name]
    wanted = select(func.coalesce(func.sum(kind.bytes), 0)).select_from(kind.table).where(kind.belongs)
    return int(connection.scalar(wanted) or 0)


def delete_oldest(connection: Connection, name: str, excess_bytes: float, limit: int) -> int:
    """Delete the oldest of a class, at most ``limit`` rows, until ``excess_bytes`` are freed; bytes freed."""
    kind = CLASSES[name]
    freed, chosen = 0, []
    found = [row for rows in _oldest(connection, kind, kind.belongs, limit) for row in rows]
    for row in sorted(found, key=lambda row: float(row.begun_s))[:limit]:
        if freed >= excess_bytes:
            break
        chosen.append(row)
        freed += row.bytes
    _delete(connection, kind, chosen)
    return freed


def delete_quarantined(connection: Connection, keep: int) -> int:
    """Delete all but about the last ``keep`` quarantined messages; how many."""
    newest = connection.scalar(select(func.max(quarantine.c.id))) or 0
    return connection.execute(delete(quarantine).where(quarantine.c.id <= newest - keep)).rowcount


def _oldest(
    connection: Connection, kind: Class, which: ColumnElement[bool], limit: int
) -> Iterator[Sequence[Any]]:
    """The oldest rows, at most ``limit``; or as many of each node, node by node, where that is the index."""
    key = list(kind.table.primary_key.columns)
    begun = kind.table.c.start_s
    wanted = select(*key, kind.bytes.label("bytes"), begun.label("begun_s")).where(which)
    wanted = wanted.order_by(begun).limit(limit)
    if not kind.oldest_of_each_node:
        yield connection.execute(wanted).all()
        return
    for node in connection.scalars(select(nodes.c.id)).all():
        yield connection.execute(wanted.where(kind.table.c.node_id == node)).all()


def _delete(connection: Connection, kind: Class, rows: Sequence[Any]) -> int:
    if not rows:
        return 0
    key = tuple(kind.table.primary_key.columns)
    keys = [tuple(row)[: len(key)] for row in rows]
    which = key[0].in_([one for (one,) in keys]) if len(key) == 1 else tuple_(*key).in_(keys)
    return connection.execute(delete(kind.table).where(which)).rowcount
