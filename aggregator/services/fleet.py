"""The nodes: who they are, how they are, what their recent past looks like."""

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from aggregator.domain import fleet
from aggregator.services.batch import CENTIBELS
from aggregator.store import fleet as store
from aggregator.store import history
from aggregator.store.database import Database
from aggregator.store.detections import counts_by_bucket

BOOTS_SHOWN: Final = 20
GAPS_SHOWN: Final = 50
LONGEST_STRETCH_S: Final = 120.0
"""No heartbeat carries more levels."""

_OF_BIRTH: Final = ("input", "model", "publish", "agent_version", "runtime", "platform")
_OF_HEARTBEAT: Final = (
    "peak_dbfs",
    "input_state",
    "cpu_percent",
    "rss_bytes",
    "temperature_c",
    "outbox_rows",
    "outbox_bytes",
    "dropped",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeView:
    """A node at a glance. What its last heartbeat or birth said is None until there was one."""

    name: str
    site: str
    tags: tuple[str, ...]
    status: str
    """``online``, ``silent`` (connected, but not heard for a while) or ``offline``."""
    online: bool
    boot: str | None
    last_heard_s: float | None
    """By the aggregator's clock, seconds since 1970."""
    level_dbfs: float | None
    """The newest one-second Leq."""
    peak_dbfs: float | None
    input_state: str | None
    """One of ``contract.messages.INPUT_STATES``."""
    input: str | None
    model: str | None
    labels: tuple[str, ...]
    publish: str | None
    agent_version: str | None
    runtime: str | None
    platform: str | None
    cpu_percent: float | None
    rss_bytes: int | None
    temperature_c: float | None
    outbox_rows: int | None
    outbox_bytes: int | None
    gaps: int
    """Messages that the node declared as dropped and that never came, all boots."""
    dropped: int | None
    """Messages given up since the boot, by the node's own count."""
    clock_synced: bool | None
    clock_offset_s: float | None
    """Aggregator's clock minus the node's at the last heartbeat."""
    problems: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class GapView:
    """Something that a node could not deliver (``count`` > 0) or did not hear (``count`` = 0)."""

    reason: str
    """One of ``contract.messages.GAP_REASONS``."""
    start_s: float
    end_s: float
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class BootView:
    """One run of a node's agent."""

    boot: str
    first_heard_s: float
    last_heard_s: float
    through: int
    """Everything up to this sequence is stored, quarantined or declared in a gap."""
    received: int


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeDetail:
    """A node in full."""

    view: NodeView
    bundle_digest: str | None
    frontend_digest: str | None
    thresholds: tuple[float | None, ...]
    step_ms: int | None
    started_s: float | None
    heard_s: float | None
    overruns: int | None
    disk_free_bytes: int | None
    last_sequence: int | None
    detections: int
    boots: tuple[BootView, ...]
    """Newest first, at most 20."""
    gaps: tuple[GapView, ...]
    """Newest first, at most 50."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelPoint:
    """The sound level within one bucket of time."""

    start_s: float
    min_dbfs: float
    mean_dbfs: float
    """Energy mean: the Leq of the bucket."""
    max_dbfs: float


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelSeries:
    """Points in time order; a bucket in which nothing was heard has no point."""

    since_s: float
    until_s: float
    bucket_s: float
    points: tuple[LevelPoint, ...]


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
        return _detail(view, row, boots, gaps, sum(count.count for count in counts))

    def levels(self, name: str, since_s: float, until_s: float, points: int = 300) -> LevelSeries:
        """Sound level of a node over time in at most ``points`` buckets of at least one second."""
        with self._database.read() as connection:
            rows = history.levels_between(connection, name, since_s, until_s, LONGEST_STRETCH_S)
        stretches = [(row.start_s, np.frombuffer(row.values, dtype="<i2") / CENTIBELS) for row in rows]
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


def node_view(row: Any, *, now_s: float, silent_after_s: float) -> NodeView:
    """The view of a row of ``store.fleet.all_nodes``."""
    birth: dict[str, Any] = json.loads(row.birth) if row.birth else {}
    beat: dict[str, Any] = json.loads(row.heartbeat) if row.heartbeat else {}
    status = fleet.status(
        online=row.online, last_heard_s=row.last_heard_s, now_s=now_s, silent_after_s=silent_after_s
    )
    heard_levels = beat.get("levels_dbfs") or [None]
    return NodeView(
        name=row.name,
        status=status,
        online=status == "online",
        boot=row.boot,
        last_heard_s=row.last_heard_s,
        level_dbfs=heard_levels[-1],
        gaps=row.missing,
        clock_offset_s=row.clock_offset_s,
        site=birth.get("site", ""),
        tags=tuple(birth.get("tags", ())),
        labels=tuple(birth.get("labels", ())),
        problems=tuple(beat.get("problems", ())),
        clock_synced=(beat or birth).get("clock_synced"),
        **{key: birth.get(key) for key in _OF_BIRTH},
        **{key: beat.get(key) for key in _OF_HEARTBEAT},
    )


def bucketed(
    stretches: Sequence[tuple[float, NDArray[np.float64]]], since_s: float, until_s: float, points: int
) -> LevelSeries:
    """One-second levels in buckets. ``stretches`` are (start, levels in dBFS), in order of time.

    >>> series = bucketed([(0.0, np.array([-20.0, -40.0]))], 0.0, 4.0, 2)
    >>> [(point.start_s, point.max_dbfs) for point in series.points]
    [(0.0, -20.0)]
    """
    bucket_s = max(1.0, (until_s - since_s) / max(points, 1))
    empty: list[NDArray[np.float64]] = [np.zeros(0)]
    times = np.concatenate([start + np.arange(len(values)) for start, values in stretches] or empty)
    heard = np.concatenate([values for _, values in stretches] or empty)
    inside = (times >= since_s) & (times < until_s)
    places, heard = ((times[inside] - since_s) // bucket_s).astype(int), heard[inside]
    found = []
    for place in np.unique(places):
        values = heard[places == place]
        found.append(
            LevelPoint(
                start_s=since_s + int(place) * bucket_s,
                min_dbfs=float(values.min()),
                mean_dbfs=float(10 * np.log10(np.mean(10 ** (values / 10)))),
                max_dbfs=float(values.max()),
            )
        )
    return LevelSeries(since_s=since_s, until_s=until_s, bucket_s=bucket_s, points=tuple(found))


def _detail(
    view: NodeView, row: Any, boots: Sequence[Any], gaps: Sequence[Any], detections: int
) -> NodeDetail:
    birth: dict[str, Any] = json.loads(row.birth) if row.birth else {}
    beat: dict[str, Any] = json.loads(row.heartbeat) if row.heartbeat else {}
    return NodeDetail(
        view=view,
        thresholds=tuple(birth.get("thresholds", ())),
        detections=detections,
        boots=tuple(
            BootView(
                boot=boot.boot,
                first_heard_s=boot.first_heard_s,
                last_heard_s=boot.last_heard_s,
                through=boot.through,
                received=boot.received,
            )
            for boot in boots
        ),
        gaps=tuple(
            GapView(reason=gap.reason, start_s=gap.start_s, end_s=gap.end_s, count=gap.count) for gap in gaps
        ),
        **{key: birth.get(key) for key in ("bundle_digest", "frontend_digest", "step_ms", "started_s")},
        **{key: beat.get(key) for key in ("heard_s", "overruns", "disk_free_bytes", "last_sequence")},
    )
