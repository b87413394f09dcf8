"""Counts and latencies over everything stored."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from aggregator.store import history
from aggregator.store.counters import read_counter
from aggregator.store.database import Database

LATENCIES_TAKEN: Final = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Latency:
    """From the end of a detection's sound to its row, ms; None where there is no detection."""

    p50_ms: float | None
    p95_ms: float | None
    p99_ms: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Statistics:
    """Counts since the store began."""

    stored: int
    """Durable messages stored: detections + windows + gaps."""
    detections: int
    windows: int
    gap_messages: int
    duplicates: int
    """Messages that came again and were not stored again."""
    quarantined: int
    gaps: int
    """Messages declared as dropped that never came."""
    nodes: int
    online: int
    detections_by_node: dict[str, dict[str, int]]
    """Node → label → count."""
    latency: Latency
    """Over the last 10,000 detections with a trusted clock."""


@dataclass(frozen=True, slots=True, kw_only=True)
class QuarantineView:
    """A message that could not be read."""

    id: int
    topic: str
    reason: str
    size_bytes: int
    received_s: float


class StatisticsService:
    """Counts. Safe for use by many threads."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def summary(self) -> Statistics:
        """Everything counted; may take a second at a million rows, so ask seldom."""
        with self._database.read() as connection:
            detections, windows, gap_messages = history.rows_of_each(connection)
            duplicates, gaps = history.boots_summed(connection)
            nodes, online = history.node_counts(connection)
            quarantined = read_counter(connection, "quarantined")
            counts = history.detections_by_node(connection)
            latencies = history.latencies_s(connection, LATENCIES_TAKEN)
        by_node: dict[str, dict[str, int]] = {}
        for row in counts:
            by_node.setdefault(row.node, {})[row.label] = row.count
        return Statistics(
            stored=detections + windows + gap_messages,
            detections=detections,
            windows=windows,
            gap_messages=gap_messages,
            duplicates=duplicates,
            quarantined=quarantined,
            gaps=gaps,
            nodes=nodes,
            online=online,
            detections_by_node=by_node,
            latency=latency(latencies),
        )

    def stored_twice(self) -> int:
        """Rows that hold a message which another row holds as well: 0, or the store is broken. Takes long."""
        with self._database.read() as connection:
            return history.stored_twice(connection)

    def quarantine(self, limit: int = 50) -> list[QuarantineView]:
        """The messages quarantined last, newest first."""
        with self._database.read() as connection:
            rows = history.quarantined_last(connection, limit)
        return [
            QuarantineView(
                id=row.id,
                topic=row.topic,
                reason=row.reason,
                size_bytes=row.size_bytes,
                received_s=row.received_s,
            )
            for row in rows
        ]


def latency(latencies_s: Sequence[float]) -> Latency:
    """Percentiles, by nearest rank.

    >>> latency([0.1, 0.2, 0.3])
    Latency(p50_ms=200.0, p95_ms=300.0, p99_ms=300.0)
    """
    ordered = sorted(latencies_s)

    def percentile(percent: int) -> float | None:
        if not ordered:
            return None
        return round(1000 * ordered[math.ceil(len(ordered) * percent / 100) - 1], 1)

    return Latency(p50_ms=percentile(50), p95_ms=percentile(95), p99_ms=percentile(99))
