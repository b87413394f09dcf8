"""Deleting what is older than it should become, a slice at a time."""

from typing import Any

from sqlalchemy import Connection, delete, func, select

from aggregator.store.tables import detections, levels, quarantine, windows


def delete_detections(connection: Connection, before_s: float, limit: int) -> int:
    """Delete at most ``limit`` detections stored before a moment; how many."""
    return _delete(connection, detections, detections.c.start_s < before_s, limit)


def delete_windows(connection: Connection, before_s: float, limit: int) -> int:
    """Delete at most ``limit`` windows begun before a moment; how many."""
    return _delete(connection, windows, windows.c.start_s < before_s, limit)


def delete_levels(connection: Connection, before_s: float, limit: int) -> int:
    """Delete the oldest levels, at most ``limit`` per node; how many."""
    nodes = connection.scalars(select(levels.c.node_id).distinct()).all()
    deleted = 0
    for node_id in nodes:
        of_node = levels.c.node_id == node_id
        oldest = (
            select(levels.c.start_s)
            .where(of_node, levels.c.start_s < before_s)
            .order_by(levels.c.start_s)
            .limit(limit)
        )
        deleted += connection.execute(delete(levels).where(of_node, levels.c.start_s.in_(oldest))).rowcount
    return deleted


def delete_quarantined(connection: Connection, keep: int) -> int:
    """Delete all but about the last ``keep`` quarantined messages; how many."""
    newest = connection.scalar(select(func.max(quarantine.c.id))) or 0
    return connection.execute(delete(quarantine).where(quarantine.c.id <= newest - keep)).rowcount


def _delete(connection: Connection, table: Any, old: Any, limit: int) -> int:
    oldest = select(table.c.id).where(old).order_by(table.c.start_s).limit(limit)
    return connection.execute(delete(table).where(table.c.id.in_(oldest))).rowcount
