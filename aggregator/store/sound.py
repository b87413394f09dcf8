"""Reading windows for the sound in them."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, select, tuple_

from aggregator.store.detections import LONGEST_WINDOW_S, Key
from aggregator.store.tables import detections, labels, nodes, windows


def window(connection: Connection, window_id: int) -> Any | None:
    """One window with the names of its node and of what was detected in it."""
    return connection.execute(_named().where(windows.c.id == window_id)).one_or_none()


def between(
    connection: Connection, node: int, since_s: float, until_s: float, after: Key | None, limit: int
) -> Sequence[Any]:
    """At most ``limit`` windows of ``node`` that hold something of a span, in the order of their starts."""
    conditions: list[ColumnElement[bool]] = [
        windows.c.node_id == node,
        windows.c.start_s < until_s,
        windows.c.start_s >= since_s - LONGEST_WINDOW_S,
        windows.c.end_s > since_s,
    ]
    if after is not None:
        conditions.append(tuple_(windows.c.start_s, windows.c.id) > tuple_(*after))
    wanted = _named().where(*conditions).order_by(windows.c.start_s, windows.c.id).limit(limit)
    return connection.execute(wanted).all()


def _named() -> Select[Any]:
    label = (
        select(labels.c.name)
        .join(detections, detections.c.label_id == labels.c.id)
        .where(detections.c.boot_id == windows.c.boot_id, detections.c.sequence == windows.c.detection)
        .scalar_subquery()
    )
    columns = (
        windows.c.id, windows.c.start_s, windows.c.end_s, windows.c.hop_ms, windows.c.mel_bins,
        windows.c.frontend_digest, windows.c.model, windows.c.reason, windows.c.frames,
    )  # fmt: skip
    return select(*columns, nodes.c.name.label("node"), label.label("label")).join(
        nodes, nodes.c.id == windows.c.node_id
    )
