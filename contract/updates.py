"""What is said about updates of the model: what a node should run, how far it is, what a shadow heard.

None of this is trusted: what may be run is decided by signed metadata (The Update Framework) on the node.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from contract.checks import hexadecimal, mapping_of, octets, one_of, optional, real, text, whole
from contract.errors import ContractError
from contract.messages import DurableMessage
from contract.record import Record, checked

SCHEMA: Final = 1
MODES: Final = ("live", "shadow")
PHASES: Final = (
    "offered", "downloading", "verified", "staged", "self_tested", "probation", "confirmed",
    "shadowing", "shadowed", "rolled_back", "refused",
)  # fmt: skip
DISAGREEMENTS: Final = ("gained", "lost")
LONGEST_REASON: Final = 500
PIECE_BYTES: Final = 262_144

_WALL: Final = real(0, 1e11)
_COUNT: Final = whole(0, 2**53)
_DIGEST: Final = hexadecimal(64)
_LABELS: Final = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Desired(Record):
    """What a node should run. The latest one counts; without a release it keeps what is confirmed."""

    schema: int = checked(whole(SCHEMA, SCHEMA), "version of the message", default=SCHEMA)
    serial: int = checked(_COUNT, "grows with each one for the node: an earlier one is ignored")
    issued_s: float = checked(_WALL, "seconds since 1970 by the aggregator's clock")
    release: str | None = checked(optional(_DIGEST), "SHA-256 of the bundle; null: stay", default=None)
    target: str = checked(text(200, empty=True), "its name in the signed metadata", default="")
    rollout: int | None = checked(optional(_COUNT), "the rollout that wants it", default=None)
    attempt: int = checked(
        whole(1, 10_000),
        "a bundle that was rolled back or refused is tried again only if this grew",
        default=1,
    )
    mode: str = checked(one_of(*MODES), "live: put it in service; shadow: only listen beside", default="live")
    url: str = checked(
        text(500, empty=True), "where metadata and bundles are, without last slash", default=""
    )
    token: str = checked(text(64, empty=True), "shows to that address which node asks", default="")
    poll_s: float = checked(
        real(10, 1e7), "ask there so often in case this was not received", default=21_600.0
    )
    limit_bytes_per_s: int = checked(_COUNT, "download no faster; 0: no limit", default=0)
    probation_s: float = checked(real(1, 86_400), "time on probation before it is confirmed", default=60.0)
    shadow_s: float = checked(real(1, 1e7), "time that a shadow listens", default=3_600.0)
    shadow_cpu_percent: float = checked(real(0, 100), "of one core, for a shadow at most", default=25.0)

    def __post_init__(self) -> None:
        super(Desired, self).__post_init__()
        if (self.release is None) != (not self.target):
            raise ContractError("target: belongs to a release, and only there")


@dataclass(frozen=True, slots=True, kw_only=True)
class Update(DurableMessage):
    """How far a node is with what it should run."""

    release: str = checked(_DIGEST, "SHA-256 of the bundle")
    rollout: int | None = checked(optional(_COUNT), "the rollout that wants it", default=None)
    attempt: int = checked(whole(1, 10_000), "which attempt at it")
    phase: str = checked(one_of(*PHASES), "what has been reached")
    reason: str = checked(
        text(LONGEST_REASON, empty=True), "why, where it was rolled back or refused", default=""
    )
    model: str = checked(text(120), "name@version of the model in service now")
    done_bytes: int = checked(_COUNT, "downloaded so far", default=0)
    total_bytes: int = checked(_COUNT, "size of the bundle; 0: not known yet", default=0)
    seconds: float = checked(real(0, 1e10), "since it was offered", default=0.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Disagreement(DurableMessage):
    """A detection that only one of two models made: gained by the candidate, or lost."""

    release: str = checked(_DIGEST, "SHA-256 of the candidate's bundle")
    model: str = checked(text(120), "name@version of the model in service")
    candidate: str = checked(text(120), "name@version of the candidate")
    kind: str = checked(one_of(*DISAGREEMENTS), "gained: only the candidate heard it; lost: only the other")
    label: str = checked(text(60), "what was heard")
    posterior: float = checked(real(0, 1), "highest smoothed posterior, of the model in service")
    candidate_posterior: float = checked(real(0, 1), "the same of the candidate")
    start_s: float = checked(_WALL, "begin of the detection, seconds since 1970")
    end_s: float = checked(_WALL, "its end, seconds since 1970")


@dataclass(frozen=True, slots=True, kw_only=True)
class Shadow(DurableMessage):
    """What a candidate and the model in service made of the same sound, since the last such message."""

    release: str = checked(_DIGEST, "SHA-256 of the candidate's bundle")
    model: str = checked(text(120), "name@version of the model in service")
    candidate: str = checked(text(120), "name@version of the candidate")
    start_s: float = checked(_WALL, "begin of that time, seconds since 1970")
    end_s: float = checked(_WALL, "its end, seconds since 1970")
    steps: int = checked(_COUNT, "posteriors compared")
    agreed: int = checked(_COUNT, "of these, with the same most probable label")
    skipped: int = checked(_COUNT, "posteriors left out to keep to the budget of computing time")
    both: Mapping[str, int] = checked(mapping_of(_COUNT, limit=_LABELS), "detections of both, per label")
    gained: Mapping[str, int] = checked(mapping_of(_COUNT, limit=_LABELS), "of the candidate only, per label")
    lost: Mapping[str, int] = checked(mapping_of(_COUNT, limit=_LABELS), "of the other only, per label")
    cpu_percent: float = checked(real(0, 100_000), "of one core, for the candidate")


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetch(Record):
    """A node asks for a piece of a file, where no HTTP reaches the aggregator."""

    schema: int = checked(whole(SCHEMA, SCHEMA), "version of the message", default=SCHEMA)
    id: str = checked(hexadecimal(16), "the answer carries it")
    path: str = checked(text(200), "what would follow the address in HTTP, as in metadata/timestamp.json")
    offset: int = checked(_COUNT, "first byte wanted")
    length: int = checked(whole(1, PIECE_BYTES), "bytes wanted at most")


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece(Record):
    """The answer to it."""

    schema: int = checked(whole(SCHEMA, SCHEMA), "version of the message", default=SCHEMA)
    id: str = checked(hexadecimal(16), "of the question")
    total: int = checked(_COUNT, "size of the whole file")
    content: bytes = checked(octets(PIECE_BYTES), "the bytes from the offset on")
    status: int = checked(whole(100, 599), "as in HTTP: 206, 404 not there, 403 not for this node, 429 later")
