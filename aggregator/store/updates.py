"""Rows of what nodes say of updates and of shadows."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Table, delete, func, select, true

from aggregator.store.insert import Rows, insert_all
from aggregator.store.rollout_tables import disagreements, shadow_reports, update_reports
from aggregator.store.tables import nodes, windows

_BEGUN = (
    (disagreements, disagreements.c.start_s),
    (shadow_reports, shadow_reports.c.start_s),
    (update_reports, update_reports.c.stored_s),
)


def add(connection: Connection, rows: Mapping[Table, Rows]) -> None:
    """Store what came, by table."""
    for table, mine in rows.items():
        insert_all(connection, table, mine)


def reports_after(connection: Connection, report_id: int, limit: int) -> Sequence[Any]:
    """Reports of progress that came after one, the oldest first, with the names of their nodes."""
    wanted = select(update_reports, nodes.c.name.label("node"))
    named = wanted.join(nodes, nodes.c.id == update_reports.c.node_id)
    return connection.execute(
        named.where(update_reports.c.id > report_id).order_by(update_reports.c.id).limit(limit)
    ).all()


def newest_report(connection: Connection) -> int:
    """The number of the newest report; 0 without any."""
    return int(connection.scalar(select(func.max(update_reports.c.id))) or 0)


def trim(connection: Connection, before_s: float, through: int, limit: int) -> None:
    """Delete some reports of progress that are old and were read."""
    columns = update_reports.c
    old = select(columns.id).where(columns.id <= through, columns.stored_s < before_s).limit(limit)
    connection.execute(delete(update_reports).where(columns.id.in_(old)))


def trim_shadows(connection: Connection, before_s: float, limit: int) -> None:
    """Delete some of what shadows reported, if it is old."""
    for table in (shadow_reports, disagreements):
        old = select(table.c.id).where(table.c.stored_s < before_s).order_by(table.c.id).limit(limit)
        connection.execute(delete(table).where(table.c.id.in_(old)))


def agreement(connection: Connection, release: str, since_s: float) -> tuple[int, int]:
    """Steps that shadows of a release compared since a moment, and in how many they agreed."""
    columns = shadow_reports.c
    wanted = select(func.coalesce(func.sum(columns.steps), 0), func.coalesce(func.sum(columns.agreed), 0))
    row = connection.execute(wanted.where(columns.release == release, columns.end_s >= since_s)).one()
    return int(row[0]), int(row[1])


def shadows_of(connection: Connection, release: str) -> Sequence[Any]:
    """What shadows of a release reported, with the names of their nodes."""
    wanted = select(shadow_reports, nodes.c.name.label("node"))
    named = wanted.join(nodes, nodes.c.id == shadow_reports.c.node_id)
    return connection.execute(named.where(shadow_reports.c.release == release)).all()


def disagreements_of(
    connection: Connection, release: str, label: str, kind: str, limit: int
) -> Sequence[Any]:
    """Detections that only one of two models made, the surest first, with node and window, if it came."""
    columns = disagreements.c
    window = _window(columns.boot_id, columns.start_s, columns.end_s)
    sure = columns.candidate_posterior if kind == "gained" else columns.posterior
    wanted = select(disagreements, nodes.c.name.label("node"), window.label("window_id"))
    named = wanted.join(nodes, nodes.c.id == columns.node_id)
    mine = (columns.release == release) & (columns.kind == kind)
    if label:
        mine &= columns.label == label
    return connection.execute(named.where(mine).order_by(sure.desc(), columns.id).limit(limit)).all()


def around(connection: Connection, boot_id: int, start_s: float, end_s: float) -> Sequence[Any]:
    """Posteriors of both models where they disagreed within a span of a boot."""
    columns = disagreements.c
    wanted = select(columns.posterior, columns.candidate_posterior)
    inside = (columns.boot_id == boot_id) & (columns.start_s < end_s) & (columns.end_s > start_s)
    # An index of begins bounds the search: no detection is longer than a minute.
    return connection.execute(wanted.where(inside, columns.start_s > start_s - 60.0)).all()


def forget(connection: Connection, node_id: int, until_s: float | None, limit: int) -> int:
    """Delete at most ``limit`` rows of what a node said, begun before a moment; how many."""
    for table, begun in _BEGUN:
        old = true() if until_s is None else begun < until_s
        some = select(table.c.id).where(table.c.node_id == node_id, old).limit(limit)
        gone = connection.execute(delete(table).where(table.c.id.in_(some))).rowcount
        if gone:
            return gone
    return 0


def said(connection: Connection, node_id: int, until_s: float | None) -> int:
    """How many such rows there are."""
    total = 0
    for table, begun in _BEGUN:
        old = true() if until_s is None else begun < until_s
        wanted = select(func.count()).select_from(table).where(table.c.node_id == node_id, old)
        total += connection.scalar(wanted) or 0
    return total


def _window(boot_id: Any, start_s: Any, end_s: Any) -> Any:
    inside = (windows.c.start_s < end_s) & (windows.c.end_s > start_s) & (windows.c.start_s > start_s - 60.0)
    wanted = select(func.min(windows.c.id)).where(windows.c.boot_id == boot_id, inside)
    return wanted.where(windows.c.reason == "disagreement").correlate(disagreements).scalar_subquery()
