"""Rows of drift, and the few rows of everything else that it is computed from."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Integer, cast, delete, func, select, update

from aggregator.domain.drift_posteriors import BUCKETS
from aggregator.store.drift_tables import drift_alerts, drift_summaries, level_hours
from aggregator.store.insert import Rows, unless_there
from aggregator.store.tables import boots, detections, labels, levels, nodes, windows


def due(connection: Connection, made_before_s: float) -> Any | None:
    """The node whose summary is the oldest, made before a moment or never; None if all are fresh."""
    made = drift_summaries.c.made_s
    wanted = (
        select(nodes.c.id, nodes.c.name, made)
        .outerjoin(drift_summaries, drift_summaries.c.node_id == nodes.c.id)
        .where(made.is_(None) | (made < made_before_s))
    )
    return connection.execute(wanted.order_by(func.coalesce(made, 0), nodes.c.id).limit(1)).one_or_none()


def last_hour_s(connection: Connection, node_id: int) -> float | None:
    """Where the hours of a node end that were computed already."""
    wanted = select(func.max(level_hours.c.start_s)).where(level_hours.c.node_id == node_id)
    found: float | None = connection.scalar(wanted)
    return found


def first_level_s(connection: Connection, node_id: int, since_s: float) -> float | None:
    """When the first stretch of levels from a moment on begins."""
    columns = levels.c
    wanted = select(func.min(columns.start_s)).where(columns.node_id == node_id, columns.start_s >= since_s)
    found: float | None = connection.scalar(wanted)
    return found


def stretches(connection: Connection, node_id: int, since_s: float, until_s: float) -> Sequence[Any]:
    """The stretches of levels that begin in a span of time."""
    columns = levels.c
    inside = (columns.node_id == node_id) & (columns.start_s >= since_s) & (columns.start_s < until_s)
    wanted = select(columns.start_s, columns["values"]).where(inside)
    return connection.execute(wanted.order_by(columns.start_s)).all()


def add_hours(connection: Connection, rows: Rows) -> None:
    """Keep hours that are not there yet."""
    for row in rows:
        connection.execute(unless_there(connection, level_hours).values(**row))


def hours(connection: Connection, node_id: int, since_s: float, until_s: float) -> Sequence[Any]:
    """The hours of a node that begin in a span of time."""
    columns = level_hours.c
    inside = (columns.node_id == node_id) & (columns.start_s >= since_s) & (columns.start_s < until_s)
    return connection.execute(select(level_hours).where(inside).order_by(columns.start_s)).all()


def delete_hours(connection: Connection, before_s: float) -> None:
    """Delete hours that nothing is compared with any more."""
    connection.execute(delete(level_hours).where(level_hours.c.start_s < before_s))


def counts(
    connection: Connection, node_id: int, since_s: float, until_s: float, block_s: float
) -> Sequence[Any]:
    """Rows of label, block of time (0, 1, 2 …) and count of detections."""
    return _grouped(connection, node_id, since_s, until_s, (detections.c.start_s - since_s) / block_s)


def posteriors(connection: Connection, node_id: int, since_s: float, until_s: float) -> Sequence[Any]:
    """Rows of label, bucket of posteriors and count of detections."""
    return _grouped(connection, node_id, since_s, until_s, detections.c.posterior * BUCKETS)


def window_ids(connection: Connection, node_id: int, since_s: float, until_s: float) -> list[tuple[int, str]]:
    """Id and front end of the windows of a node in a span of time, in order of time."""
    columns = windows.c
    mine = select(boots.c.id).where(boots.c.node_id == node_id)
    inside = columns.boot_id.in_(mine) & (columns.start_s >= since_s) & (columns.start_s < until_s)
    wanted = select(columns.id, columns.frontend_digest).where(inside).order_by(columns.start_s)
    return [(row.id, row.frontend_digest) for row in connection.execute(wanted)]


def frames(connection: Connection, ids: Sequence[int]) -> list[bytes]:
    """The features of some windows, without their order."""
    return list(connection.scalars(select(windows.c.frames).where(windows.c.id.in_(ids))))


def save(connection: Connection, node_id: int, made_s: float, content: str) -> None:
    """Keep the summary of a node instead of the one before."""
    values = {"made_s": made_s, "content": content}
    connection.execute(unless_there(connection, drift_summaries).values(node_id=node_id, **values))
    connection.execute(update(drift_summaries).where(drift_summaries.c.node_id == node_id).values(**values))


def summaries(connection: Connection, name: str | None = None) -> Sequence[Any]:
    """Node's name and summary (NULL: none yet), by name; of every node or of one."""
    wanted = (
        select(nodes.c.name, drift_summaries.c.made_s, drift_summaries.c.content)
        .outerjoin(drift_summaries, drift_summaries.c.node_id == nodes.c.id)
        .order_by(nodes.c.name)
    )
    return connection.execute(wanted if name is None else wanted.where(nodes.c.name == name)).all()


def open_alerts(connection: Connection, node_id: int | None = None) -> Sequence[Any]:
    """The alerts that have not ended, with the names of their nodes, the newest first."""
    wanted = _alerts().where(drift_alerts.c.ended_s.is_(None))
    return connection.execute(
        wanted if node_id is None else wanted.where(drift_alerts.c.node_id == node_id)
    ).all()


def newest_alerts(connection: Connection, name: str | None, limit: int) -> Sequence[Any]:
    """The alerts that began last, of every node or of one, also those that have ended."""
    wanted = _alerts() if name is None else _alerts().where(nodes.c.name == name)
    return connection.execute(wanted.limit(limit)).all()


def begin_alert(connection: Connection, row: dict[str, Any]) -> None:
    """Enter an alert."""
    connection.execute(drift_alerts.insert().values(**row))


def change_alert(connection: Connection, alert_id: int, **values: Any) -> None:
    """Change columns of an alert."""
    connection.execute(update(drift_alerts).where(drift_alerts.c.id == alert_id).values(**values))


def forget(connection: Connection, node_id: int, until_s: float | None) -> None:
    """Delete what was derived from a node's data that began before a moment; None: all of it."""
    connection.execute(delete(drift_summaries).where(drift_summaries.c.node_id == node_id))
    for table, begun in ((level_hours, level_hours.c.start_s), (drift_alerts, drift_alerts.c.begun_s)):
        wanted = delete(table).where(table.c.node_id == node_id)
        connection.execute(wanted if until_s is None else wanted.where(begun < until_s))


def _alerts() -> Any:
    wanted = select(drift_alerts, nodes.c.name.label("node"))
    return wanted.join(nodes, nodes.c.id == drift_alerts.c.node_id).order_by(drift_alerts.c.id.desc())


def _grouped(
    connection: Connection, node_id: int, since_s: float, until_s: float, place: Any
) -> Sequence[Any]:
    columns = detections.c
    # SQLite cuts when it casts, PostgreSQL rounds.
    whole = cast(place if connection.dialect.name == "sqlite" else func.floor(place), Integer)
    counted = (
        select(columns.label_id, whole.label("place"), func.count().label("count"))
        .where(columns.node_id == node_id, columns.start_s >= since_s, columns.start_s < until_s)
        .group_by(columns.label_id, whole)
        .subquery()
    )
    wanted = select(labels.c.name.label("label"), counted.c.place, counted.c.count)
    return connection.execute(wanted.join(labels, labels.c.id == counted.c.label_id)).all()
