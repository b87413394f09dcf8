"""Who talks to whom: asked for by ``call``, decided by ``turn``, and told back by ``heard``.

A turn is the time in which one speaks and the other's loudspeaker plays. The aggregator gives turns; a node
plays only what a turn has announced, and only if its owner lets people talk through it. Sound itself travels
as ``contract.live.SoundPacket`` on ``voice`` and ``talk``.
"""

from dataclasses import dataclass
from typing import Final

from contract.checks import hexadecimal, name, one_of, optional, sequence_of, text, truth, whole
from contract.errors import ContractError
from contract.live import CODECS, PACKETS_MS
from contract.record import Record, checked, nested

SCHEMA: Final = 1
ACTIONS: Final = ("begin", "end")
STATES: Final = ("yours", "theirs", "refused", "heard", "over")

_COUNT: Final = whole(0, 2**53)
_MILLISECONDS: Final = whole(0, 2**48 - 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Call(Record):
    """Somebody at a node wants to talk to another one, or has ended."""

    schema: int = checked(whole(SCHEMA, SCHEMA), "version of the message", default=SCHEMA)
    session: str = checked(hexadecimal(8), "the packets of this turn will carry it")
    action: str = checked(one_of(*ACTIONS), "begin: may I talk; end: I have talked")
    to: str | None = checked(optional(name), "the node that shall play it, with begin", default=None)
    codecs: tuple[str, ...] = checked(
        sequence_of(one_of(*CODECS), high=len(CODECS)), "those that can be sent, the best first", default=()
    )
    packet_ms: int | None = checked(
        optional(whole(min(PACKETS_MS), max(PACKETS_MS))), "sound per packet: 20, 40 or 60 ms", default=None
    )

    def __post_init__(self) -> None:
        super(Call, self).__post_init__()
        begins = self.action == "begin"
        if begins != (self.to is not None) or begins != bool(self.codecs):
            raise ContractError("to, codecs: belong to begin, and only there")
        if (self.packet_ms in PACKETS_MS) != begins:
            raise ContractError(f"packet_ms: with begin one of {', '.join(map(str, PACKETS_MS))}, else none")


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard(Record):
    """How what somebody says arrives, told by the node that plays it: every second, and at the end."""

    schema: int = checked(whole(SCHEMA, SCHEMA), "version of the message", default=SCHEMA)
    session: str = checked(hexadecimal(8), "of which turn")
    refused: str = checked(text(200, empty=True), "why nothing is played; empty if it is", default="")
    played: int = checked(_COUNT, "packets that were played", default=0)
    lost: int = checked(_COUNT, "packets that were not there when they were due", default=0)
    late: int = checked(_COUNT, "packets that came after that, or twice", default=0)
    dry: int = checked(_COUNT, "times that nothing waited when something was due", default=0)
    waiting_ms: int = checked(_MILLISECONDS, "sound that has come and waits to be played", default=0)
    captured_ms: int | None = checked(
        optional(_MILLISECONDS),
        "as the packet that was played last says: by the speaker's clock",
        default=None,
    )
    since_ms: int = checked(
        _MILLISECONDS, "how long ago, when this is told, that packet was heard", default=0
    )
    ended: bool = checked(truth, "whether all was played, and this is the last of it", default=False)

    @property
    def lost_percent(self) -> float:
        """Of all packets that were due."""
        return 100 * self.lost / max(1, self.lost + self.played)

    def delay_ms(self, now_ms: int) -> int | None:
        """From mouth to ear at most, for who speaks: the way back of this message is in it.

        ``now_ms`` is by the speaker's clock, and so nobody else's matters.
        """
        return None if self.captured_ms is None else max(0, now_ms - self.captured_ms - self.since_ms)


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn(Record):
    """Whose turn it is to talk."""

    schema: int = checked(whole(SCHEMA, SCHEMA), "version of the message", default=SCHEMA)
    session: str = checked(hexadecimal(8), "of the packets on voice, or on talk")
    state: str = checked(
        one_of(*STATES),
        "yours: talk now; theirs: somebody talks to you; refused: you may not talk; heard: how it arrives; "
        "over: the turn has ended",
    )
    peer: str = checked(text(100, empty=True), "who is at the other end", default="")
    codec: str | None = checked(optional(one_of(*CODECS)), "with yours and theirs", default=None)
    packet_ms: int | None = checked(
        optional(whole(min(PACKETS_MS), max(PACKETS_MS))), "with yours and theirs", default=None
    )
    reason: str = checked(text(200, empty=True), "why, with refused and over", default="")
    heard: Heard | None = checked(  # noqa: RUF009 - only makes a field
        optional(nested(Heard)), "with heard", default=None
    )

    def __post_init__(self) -> None:
        super(Turn, self).__post_init__()
        sounds = self.state in ("yours", "theirs")
        if sounds != (self.codec is not None) or sounds != (self.packet_ms in PACKETS_MS):
            raise ContractError("codec, packet_ms: belong to yours and theirs, and only there")
        if (self.state == "heard") != (self.heard is not None):
            raise ContractError("heard: belongs to heard, and only there")
