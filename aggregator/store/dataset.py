"""Counts over cards, and the windows that a span of time lies in."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, func, select

from aggregator.store.review_tables import cards
from aggregator.store.tables import nodes, windows


def births(connection: Connection) -> Sequence[Any]:
    """Id, name and birth of every node."""
    return connection.execute(select(nodes.c.id, nodes.c.name, nodes.c.birth).order_by(nodes.c.name)).all()


def counts(connection: Connection, frontend_digest: str, by: str) -> dict[Any, int]:
    """Windows of one front end by a column of cards."""
    column = cards.c[by]
    wanted = select(column, func.count()).where(cards.c.frontend_digest == frontend_digest).group_by(column)
    return {row[0]: row[1] for row in connection.execute(wanted)}


def frontends(connection: Connection) -> Sequence[Any]:
    """Rows of front end, windows, answered windows, model and newest start; most windows first."""
    columns = cards.c
    wanted = select(
        columns.frontend_digest,
        func.count().label("windows"),
        func.count().filter(columns.answers > 0).label("answered"),
        func.max(columns.model).label("model"),
        func.max(columns.start_s).label("newest_s"),
    ).group_by(columns.frontend_digest)
    return connection.execute(wanted.order_by(func.count().desc(), columns.frontend_digest)).all()


def unindexed(connection: Connection) -> int:
    """Windows that have no card yet."""
    last = connection.scalar(select(func.max(cards.c.window_id))) or 0
    return connection.scalar(select(func.count()).select_from(windows).where(windows.c.id > last)) or 0


def windows_between(
    connection: Connection, node: str, start_s: float, end_s: float, longest_s: float
) -> Sequence[Any]:
    """Id, start and end of the windows of a node that share time with a span."""
    columns = windows.c
    of_node: ColumnElement[bool] = (
        columns.node_id == select(nodes.c.id).where(nodes.c.name == node).scalar_subquery()
    )
    wanted = select(columns.id, columns.start_s, columns.end_s).where(
        of_node,
        columns.start_s >= start_s - longest_s,
        columns.start_s <= end_s,
        columns.end_s >= start_s,
    )
    return connection.execute(wanted.order_by(columns.start_s, columns.id)).all()
