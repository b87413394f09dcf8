"""The nodes: who they are, how they are, what their recent past looks like."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from aggregator.services.levels import LevelPoint, LevelSeries, bucketed
from aggregator.services.nodes import BootView, GapView, NodeDetail, NodeView, node_detail, node_view
from aggregator.services.rows import LEVELS_PER_DB
from aggregator.store import fleet as store
from aggregator.store import history
from aggregator.store.database import Database
from aggregator.store.detections import counts_by_bucket

__all__ = [
    "BootView",
    "DetectionCounts",
    "FleetService",
    "GapView",
    "LevelPoint",
    "LevelSeries",
    "NodeDetail",
    "NodeView",
]

BOOTS_SHOWN: Final = 20
GAPS_SHOWN: Final = 50
LONGEST_STRETCH_S: Final = 120.0
"""No heartbeat carries more levels."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DetectionCounts:
    """How often each label was detected per bucket of time."""

    since_s: float
    until_s: float
    bucket_s: float
    counts: dict[str, tuple[int, ...]]
    """Label → one count per bucket, most frequent label first."""


class FleetService:
    """Answers questions about nodes. Safe for use by many threads."""

    def __init__(
        self, database: Database, *, silent_after_s: float = 30.0, now: Callable[[], float] = time.time
    ) -> None:
        self._database = database
        self._silent_after_s = silent_after_s
        self._now = now

    def nodes(self, names: Sequence[str] | None = None) -> list[NodeView]:
        """Every node, or those of ``names``, sorted by name."""
        with self._database.read() as connection:
            rows = store.all_nodes(connection, names)
        return [node_view(row, now_s=self._now(), silent_after_s=self._silent_after_s) for row in rows]

    def node(self, name: str) -> NodeDetail | None:
        """One node in full, or None if it was never heard."""
        with self._database.read() as connection:
            rows = store.all_nodes(connection, [name])
            if not rows:
                return None
            row = rows[0]
            boots = store.boots_of(connection, row.id, BOOTS_SHOWN)
            gaps = history.gaps_of(connection, row.id, GAPS_SHOWN)
            counts = history.detections_by_node(connection, row.id)
        view = node_view(row, now_s=self._now(), silent_after_s=self._silent_after_s)
        return node_detail(view, row, boots, gaps, sum(count.count for count in counts))

    def levels(self, name: str, since_s: float, until_s: float, points: int = 300) -> LevelSeries:
        """Sound level of a node over time in at most ``points`` buckets of at least one second."""
        with self._database.read() as connection:
            rows = history.levels_between(connection, name, since_s, until_s, LONGEST_STRETCH_S)
        stretches = [(row.start_s, np.frombuffer(row.values, dtype="<i2") / LEVELS_PER_DB) for row in rows]
        return bucketed(stretches, since_s, until_s, points)

    def detection_counts(
        self, name: str | None, since_s: float, until_s: float, buckets: int = 48
    ) -> DetectionCounts:
        """Detections per label and bucket, of one node or (None) of all."""
        bucket_s = max(until_s - since_s, 1e-3) / buckets
        with self._database.read() as connection:
            rows = counts_by_bucket(connection, name, since_s, until_s, bucket_s)
        counts: dict[str, list[int]] = {}
        for row in rows:
            counts.setdefault(row.label, [0] * buckets)[min(max(row.bucket, 0), buckets - 1)] += row.count
        ordered = sorted(counts.items(), key=lambda item: (-sum(item[1]), item[0]))
        return DetectionCounts(
            since_s=since_s,
            until_s=until_s,
            bucket_s=bucket_s,
            counts={label: tuple(numbers) for label, numbers in ordered},
        )
