"""Sends what is heard to whoever listens, for as long as somebody does, and never late."""

import logging
import queue
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from contract.live import SEQUENCES, Listen, SoundPacket
from edge_agent.capture import Block
from edge_agent.live.encoding import Encoded, SoundEncoder, make_encoder
from edge_agent.live.indicator import Indicator, IndicatorError
from edge_agent.live.leases import Leases, ordered, running

MOST_WAITING: Final = 12
"""Blocks; beyond a quarter of a second sound is dropped rather than sent late."""
_LOOK_S: Final = 0.25

_log = logging.getLogger("edge_agent.live")


@dataclass(slots=True, kw_only=True)
class _Session:
    """What is being sent to one listener."""

    listen: Listen
    encoder: SoundEncoder
    sequence: int = 0
    sent: int = 0
    dropped: int = 0
    begun_s: float = field(default_factory=time.monotonic)


class Broadcast:
    """One thread encodes and sends. ``order`` and ``hear`` may be called from any other; neither waits."""

    def __init__(
        self, codecs: tuple[str, ...], send: Callable[[SoundPacket], bool], indicator: Indicator
    ) -> None:
        """Only ``codecs`` are sent. ``send`` says whether a packet went on its way."""
        self._codecs, self._send, self._indicator = codecs, send, indicator
        self._line: queue.Queue[Block | tuple[Listen, float] | None] = queue.Queue()
        self._leases: Leases = {}
        self._sessions: dict[str, _Session] = {}
        self._shown = False
        self._thread = threading.Thread(target=self._run, name="live", daemon=True)

    def start(self) -> None:
        """Be ready; ``IndicatorError`` if people could not be told that somebody listens."""
        self._indicator.show(on=False)
        self._thread.start()

    def order(self, listen: Listen, issued_s: float) -> None:
        """Somebody wants to listen, or no longer."""
        self._line.put((listen, issued_s))

    def hear(self, block: Block) -> None:
        """More sound."""
        if self._sessions and self._line.qsize() < MOST_WAITING:
            self._line.put(block)

    def stop(self, timeout_s: float = 0.5) -> None:
        """Nobody listens any more."""
        self._line.put(None)
        if self._thread.is_alive():
            self._thread.join(timeout_s)

    def _run(self) -> None:
        while True:
            try:
                item = self._line.get(timeout=_LOOK_S if self._sessions else None)
            except queue.Empty:
                self._look()
                continue
            if item is None:
                break
            try:
                self._take(item)
            except Exception:  # whoever listens must not be able to end the thread
                _log.exception("what is heard cannot be sent")
                self._leases = {}
            self._look()
        self._leases = {}
        self._look()

    def _take(self, item: Block | tuple[Listen, float]) -> None:
        if isinstance(item, Block):
            for session in self._sessions.values():
                for encoded in session.encoder.push(item.samples, item.captured_s):
                    self._tell(session, encoded)
            return
        listen, issued_s = item
        if listen.codec in self._codecs:
            self._leases = ordered(self._leases, listen, issued_s, time.monotonic())
        else:
            _log.warning("somebody may not listen like that", extra={"codec": listen.codec})

    def _tell(self, session: _Session, encoded: Encoded) -> None:
        packet = SoundPacket(
            session=session.listen.session,
            codec=session.listen.codec,
            sequence=session.sequence,
            captured_ms=max(0, round(encoded.captured_s * 1000)),
            payload=encoded.payload,
        )
        session.sequence = (session.sequence + 1) % SEQUENCES
        if self._send(packet):
            session.sent += 1
        else:
            session.dropped += 1

    def _look(self) -> None:
        """Begin and end what leases say."""
        wanted = running(self._leases, time.monotonic())
        if wanted and not self._shown:
            wanted = self._light(wanted)
        for name in self._sessions.keys() - wanted.keys():
            self._end(self._sessions.pop(name))
        for name, lease in wanted.items():
            session = self._sessions.get(name)
            if session is None or _differ(session.listen, lease.listen):
                self._begin(lease.listen)
        if self._shown and not self._sessions:
            self._put_out()

    def _begin(self, listen: Listen) -> None:
        _log.info("somebody listens", extra={"session": listen.session, "codec": listen.codec})
        encoder = make_encoder(listen.codec, listen.packet_ms)
        self._sessions[listen.session] = _Session(listen=listen, encoder=encoder)

    def _end(self, session: _Session) -> None:
        _log.info(
            "somebody has listened",
            extra={"session": session.listen.session, "codec": session.listen.codec, "sent": session.sent,
                   "dropped": session.dropped, "seconds": round(time.monotonic() - session.begun_s, 1)},
        )  # fmt: skip

    def _light(self, wanted: Leases) -> Leases:
        """Those who may listen: nobody, if people cannot be told."""
        try:
            self._indicator.show(on=True)
        except IndicatorError as error:
            _log.error("nobody may listen", extra={"error": str(error)})
            self._leases = {}
            return self._leases
        self._shown = True
        return wanted

    def _put_out(self) -> None:
        try:
            self._indicator.show(on=False)
            self._shown = False
        except IndicatorError as error:
            _log.error("the indicator stays on", extra={"error": str(error)})


def _differ(one: Listen, other: Listen) -> bool:
    return (one.codec, one.packet_ms) != (other.codec, other.packet_ms)
