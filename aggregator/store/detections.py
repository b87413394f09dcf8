"""Reading detections and windows."""

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Integer, Select, cast, func, select, tuple_

from aggregator.store.tables import boots, detections, labels, models, nodes, windows

LONGEST_WINDOW_S: Final = 60.0
_IDS_AT_ONCE: Final = 1000

Key = tuple[float, int]
"""Where a detection stands in order of time: ``start_s`` and id."""


def matching(
    *,
    node: str | None,
    label: str | None,
    since_s: float | None,
    until_s: float | None,
    min_posterior: float | None,
) -> list[ColumnElement[bool]]:
    """The conditions of a filter; None means any."""
    columns = detections.c
    conditions: list[ColumnElement[bool]] = []
    if node is not None:
        conditions.append(columns.node_id == select(nodes.c.id).where(nodes.c.name == node).scalar_subquery())
    if label is not None:
        conditions.append(
            columns.label_id == select(labels.c.id).where(labels.c.name == label).scalar_subquery()
        )
    if since_s is not None:
        conditions.append(columns.start_s >= since_s)
    if until_s is not None:
        conditions.append(columns.start_s < until_s)
    if min_posterior is not None:
        conditions.append(columns.posterior >= min_posterior)
    return conditions


def older(
    connection: Connection, conditions: Sequence[ColumnElement[bool]], before: Key | None, limit: int
) -> Sequence[Any]:
    """At most ``limit`` detections before ``before`` in time, newest first."""
    place = tuple_(detections.c.start_s, detections.c.id)
    wanted = select(detections).where(*conditions)
    if before is not None:
        wanted = wanted.where(place < tuple_(*before))
    wanted = wanted.order_by(detections.c.start_s.desc(), detections.c.id.desc()).limit(limit)
    return _named(connection, wanted)


def newer(
    connection: Connection, conditions: Sequence[ColumnElement[bool]], after: Key, limit: int
) -> Sequence[Any]:
    """At most ``limit`` detections after ``after`` in time, newest first: those nearest to it."""
    place = tuple_(detections.c.start_s, detections.c.id)
    wanted = select(detections).where(*conditions, place > tuple_(*after))
    return _named(connection, wanted.order_by(detections.c.start_s, detections.c.id).limit(limit))


def stored_after(connection: Connection, detection_id: int, limit: int) -> Sequence[Any]:
    """At most ``limit`` detections that were stored after one, in the order of storing."""
    wanted = select(detections).where(detections.c.id > detection_id).order_by(detections.c.id).limit(limit)
    return sorted(_named(connection, wanted), key=lambda row: row.id)


def stored_last(connection: Connection, limit: int, node: str | None) -> Sequence[Any]:
    """The detections stored last, newest first."""
    conditions = matching(node=node, label=None, since_s=None, until_s=None, min_posterior=None)
    wanted = select(detections).where(*conditions).order_by(detections.c.id.desc()).limit(limit)
    return sorted(_named(connection, wanted), key=lambda row: -row.id)


def last_of_each(connection: Connection, limit: int) -> Sequence[Any]:
    """The latest detections of every node in time, ``limit`` of each at most, newest first."""
    mine = detections.alias()
    latest = (
        select(mine.c.id)
        .where(mine.c.node_id == nodes.c.id)
        .order_by(mine.c.start_s.desc(), mine.c.id.desc())
        .limit(1)
    )
    # One by one from an index, whatever the database makes of larger questions.
    each = select(*(latest.offset(number).scalar_subquery() for number in range(limit))).select_from(nodes)
    ids = [one for row in connection.execute(each) for one in row if one is not None]
    slices = (ids[begin : begin + _IDS_AT_ONCE] for begin in range(0, len(ids), _IDS_AT_ONCE))
    found = [
        row
        for some in slices
        for row in _named(connection, select(detections).where(detections.c.id.in_(some)))
    ]
    return sorted(found, key=lambda row: (-row.start_s, -row.id))


def by_id(connection: Connection, detection_id: int) -> Any | None:
    """One detection."""
    found = _named(connection, select(detections).where(detections.c.id == detection_id))
    return found[0] if found else None


def _named(connection: Connection, wanted: Select[Any]) -> Sequence[Any]:
    """``wanted`` with names in place of ids. The limit binds before the joins: they see one page only."""
    page = wanted.subquery("page")
    statement = (
        select(
            page,
            nodes.c.name.label("node"),
            labels.c.name.label("label"),
            models.c.name.label("model"),
            boots.c.boot,
            _window_of(page).label("window_id"),
        )
        .join(nodes, nodes.c.id == page.c.node_id)
        .join(labels, labels.c.id == page.c.label_id)
        .join(models, models.c.id == page.c.model_id)
        .join(boots, boots.c.id == page.c.boot_id)
        .order_by(page.c.start_s.desc(), page.c.id.desc())
    )
    return connection.execute(statement).all()


def _window_of(page: Any) -> ColumnElement[Any]:
    """The window that was sent for a detection, else another that holds it."""
    sent = select(func.min(windows.c.id)).where(
        windows.c.boot_id == page.c.boot_id, windows.c.detection == page.c.sequence
    )
    streamed = (
        select(windows.c.id)
        .where(
            windows.c.boot_id == page.c.boot_id,
            windows.c.start_s <= page.c.end_s,
            windows.c.start_s >= page.c.end_s - LONGEST_WINDOW_S,
            windows.c.end_s >= page.c.start_s,
        )
        .order_by(windows.c.start_s.desc())
        .limit(1)
    )
    return func.coalesce(sent.scalar_subquery(), streamed.scalar_subquery())


def window(connection: Connection, window_id: int) -> Any | None:
    """One window, with the name of its node and the id of its detection."""
    detection = (
        select(detections.c.id)
        .where(detections.c.boot_id == windows.c.boot_id, detections.c.sequence == windows.c.detection)
        .scalar_subquery()
    )
    return connection.execute(
        select(windows, nodes.c.name.label("node"), detection.label("detection_id"))
        .join(nodes, nodes.c.id == windows.c.node_id)
        .where(windows.c.id == window_id)
    ).one_or_none()


def windows_after(connection: Connection, window_id: int, limit: int) -> Sequence[Any]:
    """Id and detection's id of the windows stored after one, in the order of storing."""
    return connection.execute(
        select(windows.c.id, detections.c.id.label("detection_id"))
        .outerjoin(
            detections,
            (detections.c.boot_id == windows.c.boot_id) & (detections.c.sequence == windows.c.detection),
        )
        .where(windows.c.id > window_id)
        .order_by(windows.c.id)
        .limit(limit)
    ).all()


def last_ids(connection: Connection) -> tuple[int, int]:
    """The ids of the detection and of the window stored last; 0 if there is none."""
    return (
        connection.scalar(select(func.max(detections.c.id))) or 0,
        connection.scalar(select(func.max(windows.c.id))) or 0,
    )


def label_names(connection: Connection) -> list[str]:
    """Every label that was ever detected."""
    return list(connection.scalars(select(labels.c.name).order_by(labels.c.name)))


def counts_by_bucket(
    connection: Connection, node: str | None, since_s: float, until_s: float, bucket_s: float
) -> Sequence[Any]:
    """Rows of label, bucket (0, 1, 2 …) and count."""
    conditions = matching(node=node, label=None, since_s=since_s, until_s=until_s, min_posterior=None)
    place = (detections.c.start_s - since_s) / bucket_s
    # SQLite cuts when it casts, PostgreSQL rounds.
    whole = cast(place if connection.dialect.name == "sqlite" else func.floor(place), Integer)
    counted = (
        select(detections.c.label_id, whole.label("bucket"), func.count().label("count"))
        .where(*conditions)
        .group_by(detections.c.label_id, whole)
        .subquery()
    )
    return connection.execute(
        select(labels.c.name.label("label"), counted.c.bucket, counted.c.count).join(
            labels, labels.c.id == counted.c.label_id
        )
    ).all()
