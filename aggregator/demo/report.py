"""The report of a demonstration: what was produced, what arrived, how fast. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What the nodes' outboxes and the aggregator's database say at the end."""

    seconds: float
    nodes: int
    broker: str
    models: Sequence[str]
    published: int
    """Sequences given out by all boots of all nodes."""
    stored: int
    """Messages in the database, each counted once."""
    declared: int
    """Sequences that gap messages declare as dropped."""
    stored_twice: int
    redelivered: int
    quarantined: int
    detections: Mapping[str, Mapping[str, int]]
    """node → label → count."""
    latency_p50_ms: float | None
    latency_p95_ms: float | None
    """From the end of a detection's sound to its row in the database; None without a detection."""


def report(outcome: Outcome) -> dict[str, Any]:
    """``outcome`` as the fields that checks read."""
    return {
        "nodes": outcome.nodes,
        "seconds": round(outcome.seconds, 1),
        "broker": outcome.broker,
        "models": list(outcome.models),
        "published": outcome.published,
        "stored": outcome.stored,
        "duplicates": outcome.stored_twice,
        "redelivered": outcome.redelivered,
        "declared_gaps": outcome.declared,
        "missing": outcome.published - outcome.stored - outcome.declared,
        "quarantined": outcome.quarantined,
        "detections": {node: dict(labels) for node, labels in outcome.detections.items()},
        "latency_ms": {"p50": outcome.latency_p50_ms, "p95": outcome.latency_p95_ms},
    }
