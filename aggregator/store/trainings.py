"""Rows of trainings."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, select, text, update

from aggregator.store.release_tables import trainings


def lock(connection: Connection) -> None:
    """Let nobody else add a training before this transaction ends."""
    # SQLite has one writer at a time anyway.
    if connection.dialect.name == "postgresql":
        connection.execute(text("LOCK TABLE trainings IN SHARE ROW EXCLUSIVE MODE"))


def add(connection: Connection, row: dict[str, Any]) -> int:
    """Enter a training; its id."""
    return int(connection.execute(trainings.insert().values(**row).returning(trainings.c.id)).scalar_one())


def change(connection: Connection, training_id: int, **values: Any) -> None:
    """Change columns of a training."""
    connection.execute(update(trainings).where(trainings.c.id == training_id).values(**values))


def by_id(connection: Connection, training_id: int) -> Any | None:
    """One training."""
    return connection.execute(select(trainings).where(trainings.c.id == training_id)).one_or_none()


def in_states(connection: Connection, states: Sequence[str]) -> Sequence[Any]:
    """The trainings in one of ``states``, the oldest first."""
    return connection.execute(
        select(trainings).where(trainings.c.state.in_(states)).order_by(trainings.c.id)
    ).all()


def newest(connection: Connection, limit: int) -> Sequence[Any]:
    """The trainings asked for last, newest first."""
    return connection.execute(select(trainings).order_by(trainings.c.id.desc()).limit(limit)).all()


def last_of_trigger(connection: Connection, trigger: str) -> float | None:
    """When ``trigger`` asked for a training the last time."""
    asked = select(trainings.c.asked_s).where(trainings.c.trigger == trigger)
    return connection.scalar(asked.order_by(trainings.c.id.desc()).limit(1))
