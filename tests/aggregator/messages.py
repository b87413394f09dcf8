"""Messages as a node would make them, with everything that a test does not care about filled in."""

from typing import Any

from aggregator.services.inbox import Incoming
from contract import topics, wire
from contract.messages import Birth, Detection, Features, Gap, Heartbeat, State
from contract.record import Record
from contract.topics import Topic
from contract.updates import Disagreement, Shadow, Update

NAMESPACE = "soundpost"
NOW_S = 1_800_000_000.0
BOOT = "00000000000000b1"
LATER_BOOT = "00000000000000b2"
LABELS = ("dog", "rain", "_background_")
DIGEST = "ab" * 32
MODEL = "sounds@1.0.0"


def birth(**fields: Any) -> Birth:
    return Birth(
        **{
            "boot": BOOT,
            "wall_s": NOW_S,
            "monotonic_s": 100.0,
            "agent_version": "0.1.0",
            "model": MODEL,
            "bundle_digest": "cd" * 32,
            "frontend_digest": DIGEST,
            "labels": LABELS,
            "thresholds": (0.5, 0.5, None),
            "step_ms": 60,
            "publish": "results+features",
            "input": "microphone",
            "runtime": "litert 2",
            "platform": "linux",
            "site": "barn",
            "tags": ("north",),
            "started_s": NOW_S,
            "clock_synced": True,
            "takes_updates": True,
        }
        | fields
    )


def state(*, online: bool = True, boot: str = BOOT) -> State:
    return State(boot=boot, online=online)


def heartbeat(**fields: Any) -> Heartbeat:
    return Heartbeat(
        **{
            "boot": BOOT,
            "wall_s": NOW_S,
            "monotonic_s": 100.0,
            "levels_dbfs": (-40.0, -30.5),
            "peak_dbfs": -12.0,
            "input_state": "hearing",
            "heard_s": 12.0,
            "overruns": 0,
            "cpu_percent": 3.0,
            "rss_bytes": 50_000_000,
            "temperature_c": 41.5,
            "disk_free_bytes": 10**9,
            "outbox_rows": 1,
            "outbox_bytes": 1000,
            "last_sequence": 3,
            "dropped": 0,
            "clock_synced": True,
        }
        | fields
    )


def detection(sequence: int = 1, **fields: Any) -> Detection:
    return Detection(
        **{
            "boot": BOOT,
            "wall_s": NOW_S,
            "monotonic_s": 100.0,
            "sequence": sequence,
            "model": MODEL,
            "frontend_digest": DIGEST,
            "label": "dog",
            "posterior": 0.9,
            "threshold": 0.5,
            "start_s": NOW_S - 1.0,
            "end_s": NOW_S - 0.5,
            "level_dbfs": -30.0,
        }
        | fields
    )


def features(sequence: int = 2, **fields: Any) -> Features:
    return Features(
        **{
            "boot": BOOT,
            "wall_s": NOW_S,
            "monotonic_s": 100.0,
            "sequence": sequence,
            "model": MODEL,
            "frontend_digest": DIGEST,
            "reason": "detection",
            "detection": 1,
            "start_s": NOW_S - 2.0,
            "hop_ms": 20,
            "mel_bins": 80,
            "frames": bytes(range(80)) * 100,
            "step_ms": 60,
            "labels": LABELS,
            "posteriors": bytes([255, 0, 0] * 33),
        }
        | fields
    )


def gap(sequence: int = 3, ranges: tuple[tuple[int, int], ...] = (), **fields: Any) -> Gap:
    return Gap(
        **{
            "boot": BOOT,
            "wall_s": NOW_S,
            "monotonic_s": 100.0,
            "sequence": sequence,
            "reason": "outbox_full",
            "gap_boot": BOOT,
            "ranges": ranges,
            "start_s": NOW_S - 10.0,
            "end_s": NOW_S - 5.0,
        }
        | fields
    )


def update(sequence: int = 4, **fields: Any) -> Update:
    return Update(
        **{
            "boot": BOOT,
            "wall_s": NOW_S,
            "monotonic_s": 100.0,
            "sequence": sequence,
            "release": "aa" * 32,
            "rollout": 1,
            "attempt": 1,
            "phase": "confirmed",
            "model": MODEL,
        }
        | fields
    )


def disagreement(sequence: int = 5, **fields: Any) -> Disagreement:
    return Disagreement(
        **{
            "boot": BOOT,
            "wall_s": NOW_S,
            "monotonic_s": 100.0,
            "sequence": sequence,
            "release": "aa" * 32,
            "model": MODEL,
            "candidate": "sounds@2.0.0",
            "kind": "gained",
            "label": "dog",
            "posterior": 0.1,
            "candidate_posterior": 0.95,
            "start_s": NOW_S - 1.0,
            "end_s": NOW_S - 0.5,
        }
        | fields
    )


def shadow(sequence: int = 6, **fields: Any) -> Shadow:
    return Shadow(
        **{
            "boot": BOOT,
            "wall_s": NOW_S,
            "monotonic_s": 100.0,
            "sequence": sequence,
            "release": "aa" * 32,
            "model": MODEL,
            "candidate": "sounds@2.0.0",
            "start_s": NOW_S - 60.0,
            "end_s": NOW_S,
            "steps": 1000,
            "agreed": 970,
            "skipped": 10,
            "both": {"dog": 3},
            "gained": {"dog": 1, "rain": 2},
            "lost": {"rain": 1},
            "cpu_percent": 4.0,
        }
        | fields
    )


KINDS: dict[type[Record], Topic] = {
    Birth: topics.BIRTH,
    State: topics.STATE,
    Heartbeat: topics.HEARTBEAT,
    Detection: topics.DETECTION,
    Features: topics.FEATURES,
    Gap: topics.GAP,
    Update: topics.UPDATE,
    Disagreement: topics.DISAGREEMENT,
    Shadow: topics.SHADOW,
}


def incoming(
    record: Record, node: str = "attic", *, retained: bool = False, received_s: float = NOW_S
) -> Incoming:
    topic = KINDS[type(record)]
    return Incoming(
        topic=topics.topic_name(NAMESPACE, node, topic),
        payload=wire.encode(topic, record),
        retained=retained,
        received_s=received_s,
    )


def raw(kind: str, payload: bytes, node: str = "attic") -> Incoming:
    return Incoming(topic=f"{NAMESPACE}/v1/{node}/{kind}", payload=payload, retained=False, received_s=NOW_S)
