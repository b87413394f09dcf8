"""What was heard: pages of detections, one in full, exports."""

import json
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from aggregator.errors import CursorError
from aggregator.store import detections as store
from aggregator.store.database import Database

LARGEST_PAGE: Final = 500
EXPORT_SLICE: Final = 1000
OLDER: Final = "o"
NEWER: Final = "n"
_CURSOR: Final = re.compile(r"([on])(-?\d{1,15}(?:\.\d{1,20})?(?:e[-+]?\d{1,3})?)_(\d{1,18})")


@dataclass(frozen=True, slots=True, kw_only=True)
class DetectionFilter:
    """Which detections; None means any."""

    node: str | None = None
    label: str | None = None
    since_s: float | None = None
    """Begun at or after, seconds since 1970."""
    until_s: float | None = None
    """Begun before."""
    min_posterior: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DetectionView:
    """One detection, as lists show it."""

    id: int
    node: str
    label: str
    posterior: float
    threshold: float
    start_s: float
    """Seconds since 1970; by the node's clock, or corrected where that could not be right."""
    end_s: float
    level_dbfs: float
    model: str
    boot: str
    sequence: int
    stored_s: float
    """By the aggregator's clock."""
    clock_trusted: bool
    """False if the node's clock could not be right and the times are the aggregator's estimate."""
    window_id: int | None
    """The window of features around it, once that has come."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Detections, newest first, and the cursors of the pages beside them (None: there is none)."""

    items: tuple[DetectionView, ...]
    older: str | None
    newer: str | None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class WindowView:
    """A stored stretch of features. Frames of different ``frontend_digest`` are never mixed."""

    id: int
    node: str
    model: str
    frontend_digest: str
    reason: str
    detection_id: int | None
    start_s: float
    hop_ms: int
    step_ms: int
    labels: tuple[str, ...]
    features: NDArray[np.int8]
    """(frames, mel bins); see ``contract.audio`` for the decibels."""
    posteriors: NDArray[np.float32]
    """(steps, labels), 0 to 1; may have no step."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DetectionDetail:
    """A detection in full."""

    detection: DetectionView
    window: WindowView | None
    """None if the features have not come (yet)."""
    older_id: int | None
    """The detection before it in time, on any node."""
    newer_id: int | None


class DetectionService:
    """Answers questions about detections. Safe for use by many threads."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def page(self, wanted: DetectionFilter, cursor: str | None = None, limit: int = 50) -> Page:
        """A page of at most ``limit`` (1 to 500) detections, newest first.

        ``cursor`` is a page's ``older`` or ``newer``; without it the newest page. Raises ``CursorError``
        for any other text.
        """
        limit = min(max(limit, 1), LARGEST_PAGE)
        towards, key = read_cursor(cursor) if cursor is not None else (OLDER, None)
        conditions = store.matching(**asdict(wanted))
        with self._database.read() as connection:
            if towards == NEWER and key is not None:
                rows = store.newer(connection, conditions, key, limit + 1)
            else:
                rows = store.older(connection, conditions, key, limit + 1)
        more = len(rows) > limit
        if towards == NEWER:
            items = rows[1:] if more else rows
            has_newer, has_older = more, True
        else:
            items = rows[:limit]
            has_newer, has_older = key is not None, more
        return Page(
            items=tuple(detection_view(row) for row in items),
            older=write_cursor(OLDER, items[-1]) if items and has_older else None,
            newer=write_cursor(NEWER, items[0]) if items and has_newer else None,
        )

    def detection(self, detection_id: int) -> DetectionDetail | None:
        """One detection with its window, or None if there is none of that id."""
        with self._database.read() as connection:
            row = store.by_id(connection, detection_id)
            if row is None:
                return None
            key = (row.start_s, row.id)
            older, newer = store.older(connection, (), key, 1), store.newer(connection, (), key, 1)
            window = store.window(connection, row.window_id) if row.window_id is not None else None
        return DetectionDetail(
            detection=detection_view(row),
            window=None if window is None else window_view(window),
            older_id=older[0].id if older else None,
            newer_id=newer[0].id if newer else None,
        )

    def window(self, window_id: int) -> WindowView | None:
        """A window by its id."""
        with self._database.read() as connection:
            row = store.window(connection, window_id)
        return None if row is None else window_view(row)

    def newest(self, limit: int = 20, *, node: str | None = None) -> list[DetectionView]:
        """The detections stored last, newest first."""
        with self._database.read() as connection:
            rows = store.stored_last(connection, limit, node)
        return [detection_view(row) for row in rows]

    def last_of_each(self, limit: int) -> dict[str, list[DetectionView]]:
        """Node → its latest detections in time, ``limit`` at most, newest first; without who has none."""
        with self._database.read() as connection:
            rows = store.last_of_each(connection, limit)
        found: dict[str, list[DetectionView]] = {}
        for row in rows:
            found.setdefault(row.node, []).append(detection_view(row))
        return found

    def export(self, wanted: DetectionFilter) -> Iterator[DetectionView]:
        """Every detection of the filter, newest first, read in slices: memory stays bounded."""
        conditions = store.matching(**asdict(wanted))
        key: store.Key | None = None
        while True:
            with self._database.read() as connection:
                rows = store.older(connection, conditions, key, EXPORT_SLICE)
            yield from (detection_view(row) for row in rows)
            if len(rows) < EXPORT_SLICE:
                return
            key = (rows[-1].start_s, rows[-1].id)

    def labels(self) -> list[str]:
        """Every label that was ever detected, sorted."""
        with self._database.read() as connection:
            return store.label_names(connection)


def write_cursor(towards: str, row: Any) -> str:
    """A cursor that goes on from ``row``."""
    return f"{towards}{row.start_s!r}_{row.id}"


def read_cursor(cursor: str) -> tuple[str, store.Key]:
    """The direction of a cursor and the place it goes on from; ``CursorError`` if it is none.

    >>> read_cursor("o12.5_7")
    ('o', (12.5, 7))
    """
    match = _CURSOR.fullmatch(cursor)
    if match is None:
        raise CursorError("this is not the address of a page; begin again with the first")
    towards, start_s, detection_id = match.groups()
    return towards, (float(start_s), int(detection_id))


def detection_view(row: Any) -> DetectionView:
    """The view of a row of ``store.detections``."""
    return DetectionView(**{field.name: getattr(row, field.name) for field in fields(DetectionView)})


def window_view(row: Any) -> WindowView:
    """The view of a row of ``store.detections.window``."""
    labels = tuple(json.loads(row.labels))
    posteriors = np.frombuffer(row.posteriors, dtype=np.uint8).reshape(-1, len(labels))
    return WindowView(
        id=row.id,
        node=row.node,
        model=row.model,
        frontend_digest=row.frontend_digest,
        reason=row.reason,
        detection_id=row.detection_id,
        start_s=row.start_s,
        hop_ms=row.hop_ms,
        step_ms=row.step_ms,
        labels=labels,
        features=np.frombuffer(row.frames, dtype=np.int8).reshape(-1, row.mel_bins),
        posteriors=posteriors.astype(np.float32) / np.float32(255),
    )
