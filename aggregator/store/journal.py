"""What ingest writes: the ledger, and the rows of each kind of message."""

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import Connection, update

from aggregator.store.insert import Rows, find_or_add, insert_all, unless_there
from aggregator.store.tables import (
    counters,
    detections,
    gap_ranges,
    gaps,
    labels,
    levels,
    models,
    quarantine,
    received,
    windows,
)

Key = tuple[int, int]
"""Boot id and sequence."""


def enter(connection: Connection, entries: Mapping[Key, bool]) -> set[Key]:
    """Enter messages (key → whether refused) into the ledger; the keys that were not there before."""
    if not entries:
        return set()
    rows = [
        {"boot_id": boot_id, "sequence": sequence, "refused": refused}
        for (boot_id, sequence), refused in entries.items()
    ]
    entered = unless_there(connection, received).returning(received.c.boot_id, received.c.sequence)
    return {(boot_id, sequence) for boot_id, sequence in connection.execute(entered, rows)}


def label_id(connection: Connection, name: str) -> int:
    """The id of a label."""
    return int(find_or_add(connection, labels, {"name": name}, {}).id)


def model_id(connection: Connection, name: str, frontend_digest: str) -> int:
    """The id of a model with its front end."""
    return int(find_or_add(connection, models, {"name": name, "frontend_digest": frontend_digest}, {}).id)


def add_detections(connection: Connection, rows: Rows) -> None:
    """Store detections."""
    insert_all(connection, detections, rows)


def add_windows(connection: Connection, rows: Rows) -> None:
    """Store windows of features."""
    insert_all(connection, windows, rows)


def add_gap(connection: Connection, row: Mapping[str, Any], ranges: Iterable[tuple[int, int]]) -> None:
    """Store a gap and the ranges that it declares as dropped in ``row["gap_boot_id"]``."""
    gap_id = connection.execute(gaps.insert().returning(gaps.c.id), row).scalar_one()
    boot_id = row["gap_boot_id"]
    insert_all(
        connection,
        gap_ranges,
        [{"gap_id": gap_id, "boot_id": boot_id, "first": first, "last": last} for first, last in ranges],
    )


def add_levels(connection: Connection, rows: Rows) -> None:
    """Store stretches of sound level; a stretch that is there already is passed over."""
    if rows:
        connection.execute(unless_there(connection, levels), rows)


def add_quarantined(connection: Connection, rows: Rows) -> None:
    """Keep messages that could not be read, and count them."""
    if rows:
        insert_all(connection, quarantine, rows)
        count(connection, "quarantined", len(rows))


def count(connection: Connection, name: str, more: int) -> None:
    """Raise a counter that outlives the rows it counts."""
    find_or_add(connection, counters, {"name": name}, {"value": 0})
    connection.execute(update(counters).where(counters.c.name == name).values(value=counters.c.value + more))
