"""Reading levels, gaps and counts."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Float, Row, cast, func, select, union_all

from aggregator.store.tables import (
    boots,
    detections,
    gaps,
    labels,
    levels,
    nodes,
    quarantine,
    windows,
)


def levels_between(
    connection: Connection, node: str, since_s: float, until_s: float, longest_s: float
) -> Sequence[Any]:
    """Stretches of level of a node that may touch the span; none is longer than ``longest_s``."""
    node_id = select(nodes.c.id).where(nodes.c.name == node).scalar_subquery()
    return connection.execute(
        select(levels.c.start_s, levels.c["values"])
        .where(
            levels.c.node_id == node_id,
            levels.c.start_s > since_s - longest_s,
            levels.c.start_s < until_s,
        )
        .order_by(levels.c.start_s)
    ).all()


def gaps_of(connection: Connection, node_id: int, limit: int) -> Sequence[Any]:
    """The gaps of a node, newest first."""
    return connection.execute(
        select(gaps).where(gaps.c.node_id == node_id).order_by(gaps.c.start_s.desc()).limit(limit)
    ).all()


def quarantined_last(connection: Connection, limit: int) -> Sequence[Any]:
    """The messages quarantined last, newest first."""
    columns = quarantine.c
    return connection.execute(
        select(columns.id, columns.topic, columns.reason, columns.size_bytes, columns.received_s)
        .order_by(columns.id.desc())
        .limit(limit)
    ).all()


def rows_of_each(connection: Connection) -> tuple[int, int, int]:
    """Rows of detections, windows and gaps."""
    detection_rows, window_rows, gap_rows = (
        connection.scalar(select(func.count()).select_from(table)) or 0
        for table in (detections, windows, gaps)
    )
    return detection_rows, window_rows, gap_rows


def stored_twice(connection: Connection) -> int:
    """Rows beyond the first of any message, over all tables."""
    every = union_all(
        *(select(table.c.boot_id, table.c.sequence) for table in (detections, windows, gaps))
    ).subquery()
    again = (
        select((func.count() - 1).label("more"))
        .select_from(every)
        .group_by(every.c.boot_id, every.c.sequence)
        .having(func.count() > 1)
        .subquery()
    )
    return int(connection.scalar(select(func.coalesce(func.sum(again.c.more), 0))) or 0)


def boots_summed(connection: Connection) -> tuple[int, int]:
    """Duplicates and missing messages of all boots."""
    # As floats: a node may declare so many that whole numbers overflow.
    duplicates, missing = connection.execute(
        select(func.sum(cast(boots.c.duplicates, Float)), func.sum(cast(boots.c.missing, Float)))
    ).one()
    return int(duplicates or 0), int(missing or 0)


def detections_by_node(connection: Connection, node_id: int | None = None) -> Sequence[Any]:
    """Rows of node, label and count."""
    grouped = select(detections.c.node_id, detections.c.label_id, func.count().label("count"))
    if node_id is not None:
        grouped = grouped.where(detections.c.node_id == node_id)
    grouped_rows = grouped.group_by(detections.c.node_id, detections.c.label_id).subquery()
    return connection.execute(
        select(nodes.c.name.label("node"), labels.c.name.label("label"), grouped_rows.c.count)
        .join(nodes, nodes.c.id == grouped_rows.c.node_id)
        .join(labels, labels.c.id == grouped_rows.c.label_id)
        .order_by(nodes.c.name, labels.c.name)
    ).all()


def latencies_s(connection: Connection, limit: int) -> list[float]:
    """End of sound to stored, of the last detections with a trusted clock, s, unsorted."""
    columns = detections.c
    return list(
        connection.scalars(
            select(columns.stored_s - columns.end_s)
            .where(columns.clock_trusted)
            .order_by(columns.id.desc())
            .limit(limit)
        )
    )


def node_counts(connection: Connection) -> Row[Any, Any]:
    """Nodes, and those flagged as connected."""
    return connection.execute(
        select(func.count(), func.count().filter(nodes.c.online)).select_from(nodes)
    ).one()
