"""The end of the store: what came after a place."""

import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from aggregator.services.detections import DetectionView, detection_view
from aggregator.services.nodes import NodeView, node_view
from aggregator.store import detections as detection_rows
from aggregator.store import fleet as fleet_rows
from aggregator.store.database import Database

MOST_AT_ONCE: Final = 200
_CURSOR: Final = re.compile(r"(\d{1,18})-(\d{1,18})-(\d{1,18})")


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowArrival:
    """The features of a detection have come: its thumbnail can be drawn."""

    window_id: int
    detection_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """How far somebody has been told: the last detection and window, the newest revision of a node."""

    detection: int
    window: int
    revision: int

    def cursor(self) -> str:
        """The place as text.

        >>> Place.read(Place(detection=3, window=2, revision=9).cursor())
        Place(detection=3, window=2, revision=9)
        """
        return f"{self.detection}-{self.window}-{self.revision}"

    @classmethod
    def read(cls, cursor: str | None) -> "Place | None":
        """The place that ``cursor`` stands for; None if it is none."""
        match = _CURSOR.fullmatch(cursor or "")
        if match is None:
            return None
        detection, window, revision = (int(number) for number in match.groups())
        return cls(detection=detection, window=window, revision=revision)


@dataclass(frozen=True, slots=True, kw_only=True)
class News:
    """What came after a place, and the place that it reaches to."""

    place: Place
    detections: tuple[DetectionView, ...]
    windows: tuple[WindowArrival, ...]
    nodes: tuple[NodeView, ...]


class Tail:
    """Reads the end of the store. Used by one thread at a time."""

    def __init__(
        self, database: Database, *, silent_after_s: float, now: Callable[[], float] = time.time
    ) -> None:
        self._database = database
        self._silent_after_s = silent_after_s
        self._now = now
        self._statuses: dict[str, str] = {}

    def place(self) -> Place:
        """The end as it is now."""
        with self._database.read() as connection:
            detection, window = detection_rows.last_ids(connection)
            revision = fleet_rows.highest_revision(connection)
        return Place(detection=detection, window=window, revision=revision)

    def after(self, place: Place) -> News:
        """What came after ``place``, at most ``MOST_AT_ONCE`` of each: ask again from where it reaches to."""
        with self._database.read() as connection:
            detections = detection_rows.stored_after(connection, place.detection, MOST_AT_ONCE)
            windows = detection_rows.windows_after(connection, place.window, MOST_AT_ONCE)
            changed = fleet_rows.nodes_since(connection, place.revision)
            names = [row.name for row in changed]
            nodes = fleet_rows.all_nodes(connection, names) if names else []
        reached = Place(
            detection=detections[-1].id if detections else place.detection,
            window=windows[-1].id if windows else place.window,
            revision=changed[-1].revision if changed else place.revision,
        )
        return News(
            place=reached,
            detections=tuple(detection_view(row) for row in detections),
            windows=tuple(
                WindowArrival(window_id=row.id, detection_id=row.detection_id)
                for row in windows
                if row.detection_id is not None
            ),
            nodes=tuple(self._view(row) for row in nodes),
        )

    def fallen_silent(self) -> tuple[NodeView, ...]:
        """Nodes whose status has changed although nothing came from them."""
        with self._database.read() as connection:
            rows = fleet_rows.all_nodes(connection)
        before = dict(self._statuses)
        views = [self._view(row) for row in rows]
        return tuple(view for view in views if before.get(view.name, view.status) != view.status)

    def _view(self, row: object) -> NodeView:
        view = node_view(row, now_s=self._now(), silent_after_s=self._silent_after_s)
        self._statuses[view.name] = view.status
        return view
