"""Live streams: each is asked for once, decoded once, and shared by all who listen to it.

What comes is told at once; whoever does not keep up loses the oldest, for a backlog is of no use to anybody.
"""

import logging
import queue
import secrets
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Final, Protocol

from aggregator.domain.listening import Quality
from aggregator.domain.live_rates import RateMeter, Rates
from aggregator.services.live_sound import Heard, SoundStream
from contract.commands import Command
from contract.errors import CodecError
from contract.live import SEQUENCES, Listen, SoundPacket

LEASE_S: Final = 10.0
RENEW_S: Final = 3.0
MOST_WAITING: Final = 25
"""Pieces of sound that wait for one listener: half a second of the shortest."""
_LATEST_S: Final = 20.0
"""An order that comes later than this is not obeyed, even if the two clocks differ by a little."""

_log = logging.getLogger(__name__)


class Receiver(Protocol):
    """Whoever wants packets, and has orders for nodes."""

    @property
    def wanted(self) -> bool:
        """Whether there is anything to receive or to order."""

    def orders(self) -> list[tuple[str, Command]]:
        """What nodes are to be told now, by their names."""

    def packet(self, node: str, packet: SoundPacket, wire_bytes: int) -> None:
        """One has come."""


class Carrier(Protocol):
    """A connection that carries packets and orders."""

    def carry(self, receiver: Receiver) -> None:
        """Begin to, if that does not happen yet, and go on while the receiver wants it."""


class Ear:
    """One listener's end of a stream."""

    def __init__(self, stream: "_Stream") -> None:
        self._line: queue.Queue[Heard | None] = queue.Queue(MOST_WAITING)
        self._stream = stream
        self.closed = False
        """Whether nothing more comes."""
        self.missed = 0
        """Pieces that were not taken in time."""

    def next(self, timeout_s: float) -> Heard | None:
        """What comes next; None after ``timeout_s`` without anything, or when ``closed``."""
        try:
            return self._line.get(block=not self.closed, timeout=timeout_s)
        except queue.Empty:
            return None

    @property
    def rates(self) -> Rates:
        """How the stream does."""
        with self._stream.measuring:
            return self._stream.meter.rates(time.time())

    @property
    def listeners(self) -> int:
        """How many listen to it."""
        return len(self._stream.ears)

    def tell(self, heard: Heard) -> None:
        """More of it."""
        while True:
            try:
                return self._line.put_nowait(heard)
            except queue.Full:
                with suppress(queue.Empty):
                    self._line.get_nowait()
                    self.missed += 1

    def close(self) -> None:
        """It ends; whoever waits is woken."""
        self.closed = True
        with suppress(queue.Full):
            self._line.put_nowait(None)


@dataclass(slots=True, kw_only=True)
class _Stream:
    node: str
    quality: Quality
    sound: SoundStream
    session: str = field(default_factory=lambda: secrets.token_hex(4))
    ears: list[Ear] = field(default_factory=list)
    meter: RateMeter = field(default_factory=RateMeter)
    measuring: threading.Lock = field(default_factory=threading.Lock)
    """Held while the meter is read or written."""
    renew_s: float = 0.0
    """By the steady clock: when the node is to be told again."""


class LiveStreams:
    """All of them. Safe for use by many threads; sound is made in the carrier's."""

    def __init__(self, carrier: Carrier, *, now: Callable[[], float] = time.time) -> None:
        self._carrier, self._now = carrier, now
        self._lock = threading.Lock()
        self._streams: dict[str, _Stream] = {}
        """By session."""
        self._ended = False

    @contextmanager
    def join(self, node: str, quality: Quality) -> Iterator[Ear]:
        """An ear at the stream of ``node``, which begins with the first and ends with the last of them."""
        with self._lock:
            stream = self._find(node, quality)
            ear = Ear(stream)
            stream.ears.append(ear)
            if self._ended:
                ear.close()
        try:
            self._carrier.carry(self)
            yield ear
        finally:
            with self._lock:
                stream.ears.remove(ear)
                stream.renew_s = 0.0 if not stream.ears else stream.renew_s

    def expect(self) -> None:
        """Somebody may listen soon."""
        self._carrier.carry(self)

    def restrict(self, node: str, codecs: Sequence[str]) -> None:
        """End the streams of ``node`` in other codecs than these."""
        with self._lock:
            streams = [one for one in self._streams.values() if one.node == node]
            ears = [ear for one in streams if one.quality.codec not in codecs for ear in one.ears]
        for ear in ears:
            ear.close()

    def settle(self, patience_s: float) -> None:
        """Wait at most so long until every node was told what it has to know."""
        deadline_s = time.monotonic() + patience_s
        while self.wanted and time.monotonic() < deadline_s:
            time.sleep(0.02)

    def close(self) -> None:
        """End every stream."""
        with self._lock:
            self._ended = True
            ears = [ear for stream in self._streams.values() for ear in stream.ears]
        for ear in ears:
            ear.close()

    @property
    def wanted(self) -> bool:
        """Whether somebody listens, or a node must be told that nobody does."""
        return bool(self._streams)

    def orders(self) -> list[tuple[str, Command]]:
        """Leases to begin, to renew and to end."""
        due = []
        with self._lock:
            for stream in list(self._streams.values()):
                if stream.renew_s > time.monotonic():
                    continue
                stream.renew_s = time.monotonic() + RENEW_S
                due.append((stream.node, self._order(stream)))
                if not stream.ears:
                    del self._streams[stream.session]
        return due

    def packet(self, node: str, packet: SoundPacket, wire_bytes: int) -> None:
        """Make sound of it, and tell all who listen."""
        stream = self._streams.get(packet.session)
        if stream is None or stream.node != node or stream.quality.codec != packet.codec:
            return
        delay_s = self._now() - packet.captured_ms / 1000
        with stream.measuring:
            lost = stream.meter.take(
                now_s=time.time(), sequence=packet.sequence, modulo=SEQUENCES,
                payload_bytes=len(packet.payload), wire_bytes=wire_bytes, delay_s=delay_s,
            )  # fmt: skip
        try:
            heard = stream.sound.push(packet, lost)
        except CodecError as error:
            _log.warning("%s sends what is no sound: %s", node, error)
            return
        if heard is not None:
            for ear in list(stream.ears):
                ear.tell(heard)

    def _find(self, node: str, quality: Quality) -> _Stream:
        for stream in self._streams.values():
            if (stream.node, stream.quality) == (node, quality):
                return stream
        made = _Stream(node=node, quality=quality, sound=SoundStream(quality.codec, quality.packet_ms))
        self._streams[made.session] = made
        return made

    def _order(self, stream: _Stream) -> Command:
        now_s = self._now()
        listen = Listen(
            session=stream.session, codec=stream.quality.codec, packet_ms=stream.quality.packet_ms,
            lease_s=LEASE_S if stream.ears else 0.0,
        )  # fmt: skip
        return Command(
            id=secrets.token_hex(16), issued_s=now_s, expires_s=now_s + _LATEST_S, action="listen",
            listen=listen,
        )  # fmt: skip
