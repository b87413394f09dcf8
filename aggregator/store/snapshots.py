"""Rows of snapshots, and the windows that go into one."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, delete, func, select, update

from aggregator.store.deletion_tables import snapshot_deletions
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


def hold(connection: Connection, window_ids: Sequence[int]) -> int:
    """How many of these windows there are; none of them can be deleted before this transaction ends."""
    # SQLite has one writer at a time anyway, and leaves the lock out.
    wanted = (
        select(windows.c.id).where(windows.c.id.in_(window_ids)).with_for_update(read=True, key_share=True)
    )
    return len(connection.execute(wanted).all())


def with_gone_windows(connection: Connection) -> list[int]:
    """The snapshots that hold a window which is no longer stored."""
    columns = snapshot_windows.c
    gone = ~select(windows.c.id).where(windows.c.id == columns.window_id).exists()
    return sorted(connection.scalars(select(columns.snapshot_id).where(gone).distinct()))


def gone(connection: Connection, snapshot_id: int) -> set[int]:
    """The windows of a snapshot that are no longer stored."""
    columns = snapshot_windows.c
    missing = ~select(windows.c.id).where(windows.c.id == columns.window_id).exists()
    wanted = select(columns.window_id).where(columns.snapshot_id == snapshot_id, missing)
    return set(connection.scalars(wanted))


def locked(connection: Connection, snapshot_id: int) -> Any:
    """One snapshot, which nobody else changes before this transaction ends."""
    return connection.execute(select(snapshots).where(snapshots.c.id == snapshot_id).with_for_update()).one()


def take_out(
    connection: Connection, snapshot_id: int, window_ids: Sequence[int], values: dict[str, Any], now_s: float
) -> None:
    """Forget that a snapshot held these windows, write what it is now, and note that it was changed."""
    columns = snapshot_windows.c
    before = locked(connection, snapshot_id).digest
    for begin in range(0, len(window_ids), 500):
        some = window_ids[begin : begin + 500]
        connection.execute(
            delete(snapshot_windows).where(columns.snapshot_id == snapshot_id, columns.window_id.in_(some))
        )
    connection.execute(update(snapshots).where(snapshots.c.id == snapshot_id).values(**values))
    note = {
        "snapshot_id": snapshot_id,
        "windows": len(window_ids),
        "digest_before": before,
        "deleted_s": now_s,
    }
    connection.execute(snapshot_deletions.insert().values(**note))


def deletions_of(connection: Connection, snapshot_id: int) -> Sequence[Any]:
    """What was taken out of a snapshot, the oldest first."""
    columns = snapshot_deletions.c
    wanted = select(snapshot_deletions).where(columns.snapshot_id == snapshot_id)
    return connection.execute(wanted.order_by(columns.id)).all()
