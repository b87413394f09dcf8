"""Finding and deleting what is known of a window or a node, a slice at a time."""

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, delete, func, select, true, update

from aggregator.store import updates
from aggregator.store.deletion_tables import deletions
from aggregator.store.release_tables import snapshot_windows
from aggregator.store.review_tables import reviews
from aggregator.store.tables import boots, detections, levels, nodes, quarantine, windows
from contract import topics

BYTES_PER_LEVEL: Final = 2


def window(connection: Connection, window_id: int) -> Any | None:
    """Node, start, end and reason of a window."""
    columns = windows.c
    wanted = select(columns.id, columns.start_s, columns.end_s, columns.reason, nodes.c.name.label("node"))
    of_node = wanted.join(nodes, nodes.c.id == columns.node_id)
    return connection.execute(of_node.where(columns.id == window_id)).one_or_none()


def counts(connection: Connection, node: int, name: str, until_s: float | None) -> dict[str, int]:
    """How much there is of a node, as ``domain.deletions.Counts`` names it."""
    mine = select(windows.c.id).where(_windows(node, until_s))
    of = {
        "detections": select(func.count()).select_from(detections).where(_detections(node, until_s)),
        "windows": select(func.count()).select_from(windows).where(_windows(node, until_s)),
        "answers": select(func.count()).select_from(reviews).where(reviews.c.window_id.in_(mine)),
        "level_s": select(func.coalesce(func.sum(func.length(levels.c["values"])), 0) / BYTES_PER_LEVEL)
        .select_from(levels)
        .where(_levels(node, until_s)),
        "quarantined": select(func.count()).select_from(quarantine).where(_quarantined(name, until_s)),
    }
    counted = {what: int(connection.scalar(wanted) or 0) for what, wanted in of.items()}
    return counted | {"reports": updates.said(connection, node, until_s)}


def answers(connection: Connection, ids: Sequence[int]) -> int:
    """How often somebody has said something of these windows."""
    return connection.scalar(select(func.count()).where(reviews.c.window_id.in_(ids))) or 0


def snapshots_of(connection: Connection, node: int, until_s: float | None) -> list[int]:
    """The snapshots that hold a window of a node."""
    mine = select(windows.c.id).where(_windows(node, until_s))
    columns = snapshot_windows.c
    return sorted(
        connection.scalars(select(columns.snapshot_id).where(columns.window_id.in_(mine)).distinct())
    )


def window_ids(connection: Connection, node: int, until_s: float | None, limit: int) -> list[int]:
    """At most ``limit`` windows of a node."""
    wanted = select(windows.c.id).where(_windows(node, until_s)).limit(limit)
    return list(connection.scalars(wanted))


def delete_windows(connection: Connection, ids: Sequence[int]) -> tuple[int, int]:
    """Delete windows with everything that was said of them; how many windows, and how many answers."""
    said = answers(connection, ids)
    return connection.execute(delete(windows).where(windows.c.id.in_(ids))).rowcount, said


def delete_detections(connection: Connection, node: int, until_s: float | None, limit: int) -> int:
    """Delete at most ``limit`` detections of a node; how many."""
    some = select(detections.c.id).where(_detections(node, until_s)).limit(limit)
    return connection.execute(delete(detections).where(detections.c.id.in_(some))).rowcount


def delete_levels(connection: Connection, node: int, until_s: float | None, limit: int) -> int:
    """Delete at most ``limit`` stretches of level of a node; how many seconds."""
    wanted = select(levels.c.start_s, func.length(levels.c["values"]).label("size"))
    rows = connection.execute(
        wanted.where(_levels(node, until_s)).order_by(levels.c.start_s).limit(limit)
    ).all()
    begun = [row.start_s for row in rows]
    connection.execute(delete(levels).where(levels.c.node_id == node, levels.c.start_s.in_(begun)))
    return int(sum(row.size for row in rows) // BYTES_PER_LEVEL)


def delete_quarantined(connection: Connection, name: str, until_s: float | None) -> int:
    """Delete the messages of a node that could not be read; how many."""
    return connection.execute(delete(quarantine).where(_quarantined(name, until_s))).rowcount


def add(connection: Connection, row: dict[str, Any]) -> int:
    """Record a deletion; its id."""
    return int(connection.execute(deletions.insert().values(**row).returning(deletions.c.id)).scalar_one())


def change(connection: Connection, deletion_id: int, **values: Any) -> None:
    """Change columns of a deletion."""
    connection.execute(update(deletions).where(deletions.c.id == deletion_id).values(**values))


def by_id(connection: Connection, deletion_id: int) -> Any:
    """One deletion."""
    return connection.execute(select(deletions).where(deletions.c.id == deletion_id)).one()


def newest(connection: Connection, limit: int) -> Sequence[Any]:
    """The deletions asked for last, newest first."""
    return connection.execute(select(deletions).order_by(deletions.c.id.desc()).limit(limit)).all()


def unfinished(connection: Connection, before_s: float) -> list[int]:
    """Deletions asked for before a moment that have not ended, the oldest first."""
    columns = deletions.c
    wanted = select(columns.id).where(columns.done_s.is_(None), columns.asked_s < before_s)
    return list(connection.scalars(wanted.order_by(columns.id)))


def _before(column: Any, until_s: float | None) -> ColumnElement[bool]:
    return true() if until_s is None else column < until_s


def _windows(node: int, until_s: float | None) -> ColumnElement[bool]:
    # By boots: windows have an index of those, and none of nodes.
    mine = select(boots.c.id).where(boots.c.node_id == node)
    return windows.c.boot_id.in_(mine) & _before(windows.c.start_s, until_s)


def _detections(node: int, until_s: float | None) -> ColumnElement[bool]:
    return (detections.c.node_id == node) & _before(detections.c.start_s, until_s)


def _levels(node: int, until_s: float | None) -> ColumnElement[bool]:
    return (levels.c.node_id == node) & _before(levels.c.start_s, until_s)


def _quarantined(name: str, until_s: float | None) -> ColumnElement[bool]:
    of_node = quarantine.c.topic.contains(f"/{topics.VERSION}/{name}/", autoescape=True)
    return of_node & _before(quarantine.c.received_s, until_s)
