"""Rows of the labels that reviewers give."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from sqlalchemy import Connection, case, delete, func, select, update

from aggregator.store.insert import unless_there
from aggregator.store.review_tables import review_labels, reviews

_NO_NAME: Final = ""
"""What a label is called for the moment in which two change names."""


def all_rows(connection: Connection) -> Sequence[Any]:
    """Every label, also those that were merged, in the order of making."""
    return connection.execute(select(review_labels).order_by(review_labels.c.id)).all()


def meant(connection: Connection) -> dict[str, str]:
    """Name → the name of what it counts as: itself, what it was renamed to, or merged into."""
    rows = all_rows(connection)
    names = {row.id: row.name for row in rows}
    return {row.name: names[row.merged_into or row.id] for row in rows}


def active(connection: Connection) -> Sequence[Any]:
    """The labels that can be given: those with a key by key, then the others by name."""
    columns = review_labels.c
    without_key = case((columns.digit.is_(None), 1), else_=0)
    wanted = select(review_labels).where(columns.merged_into.is_(None))
    return connection.execute(wanted.order_by(without_key, columns.digit, columns.name)).all()


def private_names(connection: Connection) -> list[str]:
    """The names of private labels, and those that count as one of them, sorted."""
    private = select(review_labels.c.id).where(review_labels.c.private, review_labels.c.merged_into.is_(None))
    columns = review_labels.c
    wanted = select(columns.name).where(columns.id.in_(private) | columns.merged_into.in_(private))
    return sorted(connection.scalars(wanted))


def by_id(connection: Connection, label_id: int) -> Any | None:
    """One label; of a merged one, that which it was merged into."""
    row = connection.execute(select(review_labels).where(review_labels.c.id == label_id)).one_or_none()
    return row if row is None or row.merged_into is None else by_id(connection, row.merged_into)


def by_name(connection: Connection, name: str) -> Any | None:
    """The row of exactly that name, merged or not."""
    return connection.execute(select(review_labels).where(review_labels.c.name == name)).one_or_none()


def add(connection: Connection, rows: Iterable[Mapping[str, Any]]) -> int:
    """Add labels whose names are not taken; how many."""
    entered = unless_there(connection, review_labels).returning(review_labels.c.id)
    return sum(connection.execute(entered.values(**row)).one_or_none() is not None for row in rows)


def change(connection: Connection, label_id: int, columns: Mapping[str, Any]) -> None:
    """Write columns of one label."""
    connection.execute(update(review_labels).where(review_labels.c.id == label_id).values(**columns))


def digits(connection: Connection) -> dict[int, int]:
    """Key → id of the label that it picks."""
    wanted = select(review_labels.c.digit, review_labels.c.id).where(review_labels.c.digit.is_not(None))
    return {row.digit: row.id for row in connection.execute(wanted)}


def swap_names(connection: Connection, label_id: int, name: str, alias_id: int, alias: str) -> None:
    """Let a label and its earlier name change places."""
    change(connection, alias_id, {"name": _NO_NAME})
    change(connection, label_id, {"name": name})
    change(connection, alias_id, {"name": alias})


def point_to(connection: Connection, label_id: int, into_id: int) -> None:
    """Let a label, and all that were merged into it, count as another."""
    columns = review_labels.c
    connection.execute(
        update(review_labels)
        .where((columns.id == label_id) | (columns.merged_into == label_id))
        .values(merged_into=into_id, digit=None)
    )


def free(connection: Connection, label_id: int) -> None:
    """Remove the earlier name of a label, which nobody ever gave."""
    connection.execute(delete(review_labels).where(review_labels.c.id == label_id))


def reviews_by_label(connection: Connection) -> dict[int, int]:
    """Label's id (not resolved) → reviews in force that give it."""
    wanted = (
        select(reviews.c.label_id, func.count().label("given"))
        .where(reviews.c.label_id.is_not(None), reviews.c.undone_s.is_(None))
        .group_by(reviews.c.label_id)
    )
    return {row.label_id: row.given for row in connection.execute(wanted)}
