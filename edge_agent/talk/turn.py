"""One turn of who speaks: asked for, spoken, ended; and how it arrives."""

import secrets
import time
from dataclasses import dataclass, field
from typing import Final, Protocol

from contract.audio import RATE_HZ
from contract.codec.speech import SpeechEncoder
from contract.live import HEADER_BYTES, SEQUENCES, SoundPacket
from contract.voice import Call, Heard, Turn
from edge_agent.capture import Block
from edge_agent.errors import TalkError

ANSWER_S: Final = 5.0
STALE_S: Final = 0.3
"""Sound that is older when it comes to be encoded is dropped rather than sent late."""

LAST_WORD_S: Final = 3.0
"""So long after the end it is waited for what was heard of it."""


class Line(Protocol):
    """What a turn needs of a connection."""

    def call(self, call: Call) -> None: ...  # noqa: D102
    def say(self, packet: SoundPacket) -> bool: ...  # noqa: D102
    def next(self, timeout_s: float = 0.0) -> Turn | None: ...  # noqa: D102


@dataclass(slots=True, kw_only=True)
class Said:
    """What became of a turn."""

    to: str
    codec: str
    packet_ms: int
    sent: int = 0
    dropped: int = 0
    """Packets that did not leave, for the line or this machine was too slow."""
    payload_bytes: int = 0
    packed_bytes: int = 0
    """With our own header, without those of MQTT and TCP."""
    heard: Heard | None = None
    """The latest that was told of it."""
    delays_ms: list[int] = field(default_factory=list)
    """From mouth to ear, at most; one for each time that it was told."""
    over: str = ""
    """Why it ended, if the speaker did not end it."""


class OwnTurn:
    """Begins when made: ``TalkError`` if it is refused, or nobody answers."""

    def __init__(self, line: Line, to: str, codecs: tuple[str, ...], packet_ms: int) -> None:
        self._line, self._session = line, secrets.token_hex(4)
        self._ended = False
        line.call(Call(session=self._session, action="begin", to=to, codecs=codecs, packet_ms=packet_ms))
        turn = self._answer(to)
        if turn.codec is None or turn.packet_ms is None:
            raise TalkError(f"{to}: {turn.reason or 'not now'}")
        self.said = Said(to=to, codec=turn.codec, packet_ms=turn.packet_ms)
        self._encoder = SpeechEncoder(turn.codec, turn.packet_ms)
        self._sequence = self._dropped_samples = 0

    @property
    def over(self) -> bool:
        """Whether there is no use in going on."""
        return self._ended

    def say(self, block: Block) -> None:
        """More sound; then look what was told."""
        if time.time() - block.captured_s > STALE_S:
            self._drop(block)
        else:
            self._send(block)
        while (turn := self._line.next()) is not None:
            self._take(turn)

    def _drop(self, block: Block) -> None:
        """Time passes for who listens: sequences go on."""
        self._dropped_samples += len(block.samples)
        packet_samples = self.said.packet_ms * RATE_HZ // 1000
        packets, self._dropped_samples = divmod(self._dropped_samples, packet_samples)
        self.said.dropped += packets
        self._sequence = (self._sequence + packets) % SEQUENCES

    def _send(self, block: Block) -> None:
        said, packets = self.said, self._encoder.push(block.samples)
        behind_s = self._encoder.waiting / RATE_HZ + (len(packets) - 1) * said.packet_ms / 1000
        for payload in packets:
            packet = SoundPacket(
                session=self._session, codec=said.codec, sequence=self._sequence,
                captured_ms=max(0, round((block.captured_s - behind_s) * 1000)), payload=payload,
            )  # fmt: skip
            behind_s -= said.packet_ms / 1000
            self._sequence = (self._sequence + 1) % SEQUENCES
            if self._line.say(packet):
                said.sent += 1
                said.payload_bytes += len(payload)
                said.packed_bytes += len(payload) + HEADER_BYTES
            else:
                said.dropped += 1

    def end(self) -> Said:
        """Say that it has ended, and wait a moment for what was heard of it."""
        self._line.call(Call(session=self._session, action="end"))
        deadline_s = time.monotonic() + LAST_WORD_S
        while not self._ended and (left_s := deadline_s - time.monotonic()) > 0:
            turn = self._line.next(left_s)
            if turn is not None:
                self._take(turn)
        return self.said

    def _answer(self, to: str) -> Turn:
        deadline_s = time.monotonic() + ANSWER_S
        while (left_s := deadline_s - time.monotonic()) > 0:
            turn = self._line.next(left_s)
            if turn is not None and turn.session == self._session:
                return turn
        raise TalkError(f"{to}: the aggregator does not answer")

    def _take(self, turn: Turn) -> None:
        if turn.session != self._session:
            return
        if turn.heard is not None:
            self.said.heard = turn.heard
            delay_ms = turn.heard.delay_ms(round(time.time() * 1000))
            if delay_ms is not None:
                self.said.delays_ms.append(delay_ms)
        elif turn.state == "over":
            self._ended, self.said.over = True, turn.reason
