"""Counts and latencies over everything stored."""

from dataclasses import dataclass

from sqlalchemy import Engine


@dataclass(frozen=True, slots=True, kw_only=True)
class Latency:
    """From the end of a detection's sound to its row in the database, ms; None where there is no detection."""

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

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def summary(self) -> Statistics:
        """Everything counted; may take a second at a million rows, so ask seldom."""
        raise NotImplementedError

    def quarantine(self, limit: int = 50) -> list[QuarantineView]:
        """The messages quarantined last, newest first."""
        raise NotImplementedError
