"""A node, as pages show it."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from aggregator.domain import fleet
from contract.sampling import Sampling

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
    sampling: Sampling | None
    """What it sends to learn from, as its birth says; None of an agent that knows no sampling."""
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


def sampling_of(birth: Mapping[str, Any]) -> Sampling | None:
    """The sampling that a stored birth shows."""
    plain = birth.get("sampling")
    return None if plain is None else Sampling.from_plain(plain)


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
        gaps=int(row.missing),
        clock_offset_s=row.clock_offset_s,
        site=birth.get("site", ""),
        tags=tuple(birth.get("tags", ())),
        labels=tuple(birth.get("labels", ())),
        problems=tuple(beat.get("problems", ())),
        clock_synced=(beat or birth).get("clock_synced"),
        **{key: birth.get(key) for key in _OF_BIRTH},
        **{key: beat.get(key) for key in _OF_HEARTBEAT},
    )


def node_detail(
    view: NodeView, row: Any, boots: Sequence[Any], gaps: Sequence[Any], detections: int
) -> NodeDetail:
    """A node in full, from its rows."""
    birth: dict[str, Any] = json.loads(row.birth) if row.birth else {}
    beat: dict[str, Any] = json.loads(row.heartbeat) if row.heartbeat else {}
    return NodeDetail(
        view=view,
        thresholds=tuple(birth.get("thresholds", ())),
        detections=detections,
        sampling=sampling_of(birth),
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
