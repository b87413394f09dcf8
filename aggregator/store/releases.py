"""Rows of releases, of what was measured of them, and of what was decided."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, select, text

from aggregator.store.insert import unless_there
from aggregator.store.release_tables import judgements, release_decisions, releases


def lock(connection: Connection) -> None:
    """Let nobody else decide before this transaction ends."""
    # SQLite has one writer at a time anyway.
    if connection.dialect.name == "postgresql":
        connection.execute(text("LOCK TABLE release_decisions IN SHARE ROW EXCLUSIVE MODE"))


def add(connection: Connection, row: dict[str, Any]) -> bool:
    """Enter a release; False if its digest is there already."""
    entered = unless_there(connection, releases).values(**row).returning(releases.c.id)
    return connection.execute(entered).one_or_none() is not None


def by_digest(connection: Connection, digest: str) -> Any | None:
    """The release of a bundle."""
    return connection.execute(select(releases).where(releases.c.digest == digest)).one_or_none()


def by_id(connection: Connection, release_id: int) -> Any | None:
    """One release."""
    return connection.execute(select(releases).where(releases.c.id == release_id)).one_or_none()


def every(connection: Connection) -> Sequence[Any]:
    """All releases, newest first."""
    return connection.execute(select(releases).order_by(releases.c.id.desc())).all()


def decisions(connection: Connection, release_id: int | None = None) -> Sequence[Any]:
    """What was decided, the oldest first; of every release or of one."""
    wanted = select(release_decisions).order_by(release_decisions.c.id)
    if release_id is not None:
        wanted = wanted.where(release_decisions.c.release_id == release_id)
    return connection.execute(wanted).all()


def add_decision(connection: Connection, row: dict[str, Any]) -> None:
    """Enter a decision."""
    connection.execute(release_decisions.insert().values(**row))


def add_judgement(connection: Connection, row: dict[str, Any]) -> None:
    """Enter what was measured; what is there already stays."""
    connection.execute(unless_there(connection, judgements).values(**row))


def judgement(connection: Connection, release_id: int, snapshot_id: int | None) -> Any | None:
    """What was measured of a release on a snapshot; on whichever was the last, if none is named."""
    wanted = select(judgements).where(judgements.c.release_id == release_id)
    if snapshot_id is not None:
        wanted = wanted.where(judgements.c.snapshot_id == snapshot_id)
    return connection.execute(wanted.order_by(judgements.c.snapshot_id.desc()).limit(1)).one_or_none()


def judged_snapshots(connection: Connection, release_id: int) -> set[int]:
    """The snapshots on which a release was judged."""
    wanted = select(judgements.c.snapshot_id).where(judgements.c.release_id == release_id)
    return set(connection.scalars(wanted))


def of_snapshots(connection: Connection, snapshot_ids: Sequence[int]) -> list[int]:
    """The releases that have learned from one of these snapshots."""
    wanted = select(releases.c.id).where(releases.c.snapshot_id.in_(snapshot_ids))
    return sorted(connection.scalars(wanted))
