"""Rows of the audit log."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, func, select

from aggregator.store.audit_tables import audit


def last_hash(connection: Connection) -> str | None:
    """The hash of the newest entry; nobody else appends before this transaction ends."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql("LOCK TABLE audit IN SHARE ROW EXCLUSIVE MODE")
    found: str | None = connection.scalar(select(audit.c.hash).order_by(audit.c.id.desc()).limit(1))
    return found


def append(connection: Connection, row: dict[str, Any]) -> None:
    """Add an entry."""
    connection.execute(audit.insert().values(**row))


def after(connection: Connection, entry_id: int, limit: int) -> Sequence[Any]:
    """Entries after one, the oldest first."""
    wanted = select(audit).where(audit.c.id > entry_id).order_by(audit.c.id)
    return connection.execute(wanted.limit(limit)).all()


def newest(connection: Connection, limit: int, before: int | None = None) -> Sequence[Any]:
    """The newest entries, or those before one, newest first."""
    wanted = select(audit).order_by(audit.c.id.desc()).limit(limit)
    return connection.execute(wanted if before is None else wanted.where(audit.c.id < before)).all()


def count(connection: Connection) -> int:
    """How many entries there are."""
    return int(connection.scalar(select(func.count()).select_from(audit)) or 0)
