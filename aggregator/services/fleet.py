"""The nodes: who they are, how they are, what their recent past looks like."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Engine


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

    def __init__(self, engine: Engine, *, silent_after_s: float = 30.0) -> None:
        self._engine = engine
        self._silent_after_s = silent_after_s

    def nodes(self, names: Sequence[str] | None = None) -> list[NodeView]:
        """Every node, or those of ``names``, sorted by name."""
        raise NotImplementedError

    def node(self, name: str) -> NodeDetail | None:
        """One node in full, or None if it was never heard."""
        raise NotImplementedError

    def levels(self, name: str, since_s: float, until_s: float, points: int = 300) -> LevelSeries:
        """Sound level of a node over time in at most ``points`` buckets of at least one second."""
        raise NotImplementedError

    def detection_counts(
        self, name: str | None, since_s: float, until_s: float, buckets: int = 48
    ) -> DetectionCounts:
        """Detections per label and bucket, of one node or (None) of all."""
        raise NotImplementedError
