"""What nodes tell the aggregator.

The node's name is not in the message: the topic says it, and the broker guards the topic. ``wall_s`` may be
wrong on a node without a clock battery; ``clock_synced`` says whether the node believes it.
"""

from dataclasses import dataclass
from typing import Final

from contract.audio import MEL_BINS
from contract.checks import (
    hexadecimal,
    name,
    octets,
    one_of,
    optional,
    real,
    sequence_of,
    text,
    truth,
    whole,
)
from contract.errors import ContractError
from contract.live import CODECS
from contract.record import Record, checked, nested
from contract.sampling import Sampling

SCHEMA: Final = 1
PUBLISH_POLICIES: Final = ("results", "results+features", "all")
FEATURE_REASONS: Final = ("detection", "near_miss", "uncertain", "random", "all", "disagreement")
GAP_REASONS: Final = ("outbox_full", "disk_full", "overrun", "input_lost", "restart", "storage_damaged")
INPUT_STATES: Final = ("starting", "hearing", "flat", "stopped", "ended")

_WALL: Final = real(0, 1e11)
_SEQUENCE: Final = whole(1, 2**53)
_COUNT: Final = whole(0, 2**53)
_LEVEL: Final = real(-200, 20)
_MAX_FRAMES: Final = 1500
_MAX_STEPS_BYTES: Final = 200_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Message(Record):
    """What every message carries."""

    schema: int = checked(whole(SCHEMA, SCHEMA), "version of the message", default=SCHEMA)
    boot: str = checked(hexadecimal(16), "the run of the agent that made the message")
    wall_s: float = checked(_WALL, "seconds since 1970 by the node's clock, when the message was made")
    monotonic_s: float = checked(real(0, 1e10), "seconds by the node's steady clock, same moment")


@dataclass(frozen=True, slots=True, kw_only=True)
class DurableMessage(Message):
    """A message that the outbox keeps until it is acknowledged."""

    sequence: int = checked(_SEQUENCE, "1, 2, 3 … within the boot, without a hole")


@dataclass(frozen=True, slots=True, kw_only=True)
class Birth(Message):
    """What the node is and runs."""

    agent_version: str = checked(text(40), "version of the agent")
    model: str = checked(text(120), "name@version of the model in service")
    bundle_digest: str = checked(hexadecimal(64), "SHA-256 of the bundle in service")
    frontend_digest: str = checked(hexadecimal(64), "SHA-256 of the front end: which frames may be mixed")
    labels: tuple[str, ...] = checked(sequence_of(text(60), low=1, high=1000), "the model's labels, in order")
    thresholds: tuple[float | None, ...] = checked(
        sequence_of(optional(real(0, 1)), low=1, high=1000),
        "threshold in force per label; null where a label is never detected",
    )
    step_ms: int = checked(whole(1, 10_000), "time per posterior, ms")
    publish: str = checked(one_of(*PUBLISH_POLICIES), "which results and windows the node sends")
    sampling: Sampling | None = checked(  # noqa: RUF009 - only makes a field
        optional(nested(Sampling)), "what it sends to learn from, as it is in force", default=None
    )
    input: str = checked(text(200), "what it listens to")
    runtime: str = checked(text(100), "the TFLite runtime and its version")
    platform: str = checked(text(200), "machine and operating system")
    site: str = checked(text(100, empty=True), "where it stands", default="")
    tags: tuple[str, ...] = checked(sequence_of(name, high=50), "words to group nodes by", default=())
    started_s: float = checked(_WALL, "seconds since 1970 when the agent started")
    clock_synced: bool = checked(truth, "whether the node believes its clock")
    takes_updates: bool = checked(truth, "whether it takes new models over the air", default=False)
    listening: tuple[str, ...] = checked(
        sequence_of(one_of(*CODECS), high=len(CODECS)),
        "codecs in which its owner lets it be listened to; none: not at all",
        default=(),
    )
    talking: tuple[str, ...] = checked(
        sequence_of(one_of(*CODECS), high=len(CODECS)),
        "codecs in which its owner lets people talk through its loudspeaker; none: not at all",
        default=(),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class State(Record):
    """Whether the node is connected. As the last will it is written before it is true, so it has no time."""

    schema: int = checked(whole(SCHEMA, SCHEMA), "version of the message", default=SCHEMA)
    boot: str = checked(hexadecimal(16), "the run of the agent; a late will of an earlier boot is ignored")
    online: bool = checked(truth, "true while connected")


@dataclass(frozen=True, slots=True, kw_only=True)
class Heartbeat(Message):
    """Level and health."""

    levels_dbfs: tuple[float, ...] = checked(
        sequence_of(_LEVEL, high=120), "one-second Leq of each second since the last heartbeat, dBFS"
    )
    peak_dbfs: float = checked(_LEVEL, "loudest sample since the last heartbeat, dBFS")
    input_state: str = checked(one_of(*INPUT_STATES), "what the input does")
    heard_s: float = checked(real(0, 1e11), "sound processed since the boot, s")
    overruns: int = checked(_COUNT, "blocks that came too fast to be taken, since the boot")
    cpu_percent: float = checked(real(0, 100_000), "of one core, by the agent, since the last heartbeat")
    rss_bytes: int = checked(_COUNT, "resident memory of the agent")
    temperature_c: float | None = checked(optional(real(-100, 200)), "of the processor")
    disk_free_bytes: int = checked(_COUNT, "free where the outbox lies")
    outbox_rows: int = checked(_COUNT, "messages that wait for acknowledgement")
    outbox_bytes: int = checked(_COUNT, "their size")
    last_sequence: int = checked(_COUNT, "highest sequence given out in this boot")
    dropped: int = checked(_COUNT, "messages given up since the boot, each declared in a gap")
    clock_synced: bool = checked(truth, "whether the node believes its clock")
    problems: tuple[str, ...] = checked(sequence_of(text(300), high=20), "what needs mending", default=())


@dataclass(frozen=True, slots=True, kw_only=True)
class Detection(DurableMessage):
    """A label whose smoothed posterior rose over its threshold."""

    model: str = checked(text(120), "name@version of the model")
    frontend_digest: str = checked(hexadecimal(64), "SHA-256 of the front end")
    label: str = checked(text(60), "what was heard")
    posterior: float = checked(real(0, 1), "highest smoothed posterior within the detection")
    threshold: float = checked(real(0, 1), "threshold that it rose over")
    start_s: float = checked(_WALL, "when it rose over the threshold, seconds since 1970")
    end_s: float = checked(_WALL, "end of the sound that the report rests on, seconds since 1970")
    level_dbfs: float = checked(_LEVEL, "one-second Leq at that time, dBFS")

    def __post_init__(self) -> None:
        super(Detection, self).__post_init__()
        if self.end_s < self.start_s:
            raise ContractError("end_s: lies before start_s")


@dataclass(frozen=True, slots=True, kw_only=True)
class Features(DurableMessage):
    """A window of log-mel frames, (frames, mel bins) int8, and the posteriors, (steps, labels) uint8."""

    model: str = checked(text(120), "name@version of the model")
    frontend_digest: str = checked(hexadecimal(64), "SHA-256 of the front end")
    reason: str = checked(
        one_of(*FEATURE_REASONS),
        "why the window was sent; near_miss: a label was nearly detected; uncertain: no label was clearly "
        "the best; random: by chance; all: the publish policy says so; disagreement: a shadow heard "
        "otherwise",
    )
    detection: int | None = checked(
        optional(_SEQUENCE), "sequence of the detection that it surrounds, same boot", default=None
    )
    start_s: float = checked(_WALL, "when its first hop began, seconds since 1970")
    hop_ms: int = checked(whole(1, 1000), "time per frame, ms")
    mel_bins: int = checked(whole(MEL_BINS, MEL_BINS), "features per frame")
    frames: bytes = checked(octets(_MAX_FRAMES * MEL_BINS), "int8, frame after frame")
    step_ms: int = checked(whole(1, 10_000), "time per posterior, ms")
    labels: tuple[str, ...] = checked(sequence_of(text(60), low=1, high=1000), "the model's labels, in order")
    posteriors: bytes = checked(octets(_MAX_STEPS_BYTES), "uint8, posterior × 255, step after step")

    def __post_init__(self) -> None:
        super(Features, self).__post_init__()
        if not self.frames or len(self.frames) % self.mel_bins:
            raise ContractError("frames: not a whole number of frames")
        if len(self.posteriors) % len(self.labels):
            raise ContractError("posteriors: not a whole number of steps")

    @property
    def frame_count(self) -> int:
        """Frames in the window."""
        return len(self.frames) // self.mel_bins

    @property
    def end_s(self) -> float:
        """When the window's last hop ended, seconds since 1970."""
        return self.start_s + self.frame_count * self.hop_ms / 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap(DurableMessage):
    """What was dropped (``ranges`` of sequences) or not heard (a span of time)."""

    reason: str = checked(one_of(*GAP_REASONS), "why")
    gap_boot: str = checked(hexadecimal(16), "the boot that the ranges count in")
    ranges: tuple[tuple[int, ...], ...] = checked(
        sequence_of(sequence_of(_SEQUENCE, low=2, high=2), high=2000), "first and last sequence, both dropped"
    )
    start_s: float = checked(_WALL, "begin of what is missing, seconds since 1970")
    end_s: float = checked(_WALL, "end of what is missing, seconds since 1970")

    def __post_init__(self) -> None:
        super(Gap, self).__post_init__()
        if self.end_s < self.start_s:
            raise ContractError("end_s: lies before start_s")
        if any(last < first for first, last in self.ranges):
            raise ContractError("ranges: a range ends before it begins")

    @property
    def count(self) -> int:
        """Messages that the ranges declare as dropped."""
        return sum(last - first + 1 for first, last in self.ranges)
