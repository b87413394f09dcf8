"""Rows of snapshots, and the windows that go into one."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, func, select

from aggregator.store.insert import Rows, insert_all
from aggregator.store.release_tables import snapshot_windows, snapshots
from aggregator.store.tables import windows


def lengths(connection: Connection, ids: Sequence[int]) -> dict[int, int]:
    """Bytes of features of each window that there is."""
    rows = connection.execute(
        select(windows.c.id, func.length(windows.c.frames)).where(windows.c.id.in_(ids))
    )
    return {row[0]: row[1] for row in rows}


def contents(connection: Connection, ids: Sequence[int]) -> dict[int, Any]:
    """What is frozen of each window that there is: features, posteriors, and what those mean."""
    columns = windows.c
    rows = connection.execute(
        select(
            columns.id, columns.frontend_digest, columns.labels, columns.step_ms, columns.mel_bins,
            columns.posteriors, columns.frames,
        ).where(columns.id.in_(ids))
    )  # fmt: skip
    return {row.id: row for row in rows}


def add(connection: Connection, row: dict[str, Any]) -> int:
    """Enter a snapshot; its id."""
    return int(connection.execute(snapshots.insert().values(**row).returning(snapshots.c.id)).scalar_one())


def add_windows(connection: Connection, rows: Rows) -> None:
    """Enter which windows a snapshot holds."""
    insert_all(connection, snapshot_windows, rows)


def by_id(connection: Connection, snapshot_id: int) -> Any | None:
    """One snapshot."""
    return connection.execute(select(snapshots).where(snapshots.c.id == snapshot_id)).one_or_none()


def ids(connection: Connection) -> set[int]:
    """Every snapshot."""
    return set(connection.scalars(select(snapshots.c.id)))


def labels_of_newest(connection: Connection) -> dict[int, str | None]:
    """Window → label in the snapshot made last; nothing without one."""
    newest = select(func.max(snapshots.c.id)).scalar_subquery()
    columns = snapshot_windows.c
    rows = connection.execute(select(columns.window_id, columns.label).where(columns.snapshot_id == newest))
    return {row.window_id: row.label for row in rows}


def holding(connection: Connection, window_ids: Sequence[int]) -> list[int]:
    """The snapshots that hold any of these windows."""
    columns = snapshot_windows.c
    found = select(columns.snapshot_id).where(columns.window_id.in_(window_ids)).distinct()
    return sorted(connection.scalars(found))
