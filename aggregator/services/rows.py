"""From messages to rows. Pure."""

import json
import struct
from collections.abc import Sequence
from typing import Any, Final

from aggregator.domain.clock import Span
from aggregator.domain.sequences import Ranges
from aggregator.services.inbox import PAYLOAD_BOUND_BYTES, Refused
from contract.messages import Detection, DurableMessage, Features, Gap
from contract.record import Record
from contract.updates import Disagreement, Shadow, Update

LEVELS_PER_DB: Final = 100
"""Levels are stored as whole hundredths of a decibel."""


def as_json(record: Record) -> str:
    """A record as the contract writes it."""
    return json.dumps(record.to_plain(), ensure_ascii=False, allow_nan=False)


def durable(record: DurableMessage, *, node_id: int, boot_id: int, stored_s: float) -> dict[str, Any]:
    """The columns that every durable message has."""
    return {"node_id": node_id, "boot_id": boot_id, "sequence": record.sequence, "stored_s": stored_s}


def of_span(span: Span) -> dict[str, Any]:
    """When it was heard, and whether the node's clock said so."""
    return {"start_s": span.start_s, "end_s": span.end_s, "clock_trusted": span.trusted}


def of_detection(record: Detection) -> dict[str, Any]:
    """What is a detection's own."""
    return {
        "posterior": record.posterior,
        "threshold": record.threshold,
        "level_dbfs": record.level_dbfs,
    }


def of_features(record: Features) -> dict[str, Any]:
    """What is a window's own."""
    return {
        "detection": record.detection,
        "reason": record.reason,
        "model": record.model,
        "frontend_digest": record.frontend_digest,
        "labels": json.dumps(record.labels, ensure_ascii=False),
        "hop_ms": record.hop_ms,
        "step_ms": record.step_ms,
        "mel_bins": record.mel_bins,
        "posteriors": record.posteriors,
        "frames": record.frames,
    }


def of_gap(record: Gap, span: Span, gap_boot_id: int) -> dict[str, Any]:
    """What is a gap's own."""
    return {
        "reason": record.reason,
        "gap_boot_id": gap_boot_id,
        "start_s": span.start_s,
        "end_s": span.end_s,
        # Not ``record.count``: ranges may overlap, and what they add up to need not fit into a column.
        "count": Ranges((first, last) for first, last in record.ranges).count(),
    }


def of_update(record: Update) -> dict[str, Any]:
    """What is a report of progress's own."""
    names = (
        "release", "rollout", "attempt", "phase", "reason", "model", "done_bytes", "total_bytes", "seconds",
    )  # fmt: skip
    return {name: getattr(record, name) for name in names}


def of_shadow(record: Shadow) -> dict[str, Any]:
    """What is a shadow's own."""
    names = ("release", "model", "candidate", "steps", "agreed", "skipped", "cpu_percent")
    counts = {name: dict(getattr(record, name)) for name in ("both", "gained", "lost")}
    told = {name: getattr(record, name) for name in names}
    return told | {"counts": json.dumps(counts, ensure_ascii=False)}


def of_disagreement(record: Disagreement) -> dict[str, Any]:
    """What is a disagreement's own."""
    names = ("release", "model", "candidate", "kind", "label", "posterior", "candidate_posterior")
    return {name: getattr(record, name) for name in names}


def of_refused(message: Refused) -> dict[str, Any]:
    """A message in quarantine: its beginning, and why it is there."""
    incoming = message.incoming
    return {
        "topic": _clean(incoming.topic)[:300],
        "boot": message.boot,
        "sequence": message.sequence,
        "reason": _clean(message.reason)[:400],
        "size_bytes": len(incoming.payload),
        "payload": incoming.payload[:PAYLOAD_BOUND_BYTES],
        "received_s": incoming.received_s,
    }


def pack_levels(levels_dbfs: Sequence[float]) -> bytes:
    """Levels as little-endian int16 of 0.01 dB.

    >>> pack_levels([-0.01, 1.28]).hex()
    'ffff8000'
    """
    values = (round(level * LEVELS_PER_DB) for level in levels_dbfs)
    return struct.pack(f"<{len(levels_dbfs)}h", *values)


def _clean(words: str) -> str:
    """Text that any database takes."""
    return words.encode("utf-8", "replace").decode().replace("\x00", "\N{REPLACEMENT CHARACTER}")
