"""One turn, played in a thread of its own, from its first packet to its last."""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import asdict
from typing import Final

from contract.floor import HOLD_S
from contract.live import SoundPacket
from contract.voice import Heard
from edge_agent.errors import PlaybackError
from edge_agent.playback.sink import Sink
from edge_agent.playback.voicing import Sounding, Voicing

REPORT_S: Final = 1.0

_log = logging.getLogger("edge_agent.playback")


class Playing:
    """Begins when made known by ``start``. ``tell`` is called in its thread, every second and at the end."""

    def __init__(
        self, session: str, codec: str, packet_ms: int, sink: Sink, tell: Callable[[Heard], None],
        *, after: "Playing | None" = None,
    ) -> None:  # fmt: skip
        """Waits for the end of the one ``after`` which it comes. ``CodecError`` without the codec."""
        self.session, self._sink, self._tell, self._after = session, sink, tell, after
        self.ended_s = 0.0
        """By the steady clock, when over."""
        self._voicing = Voicing(codec, packet_ms)
        self._lock = threading.Lock()
        self._ending = threading.Event()
        self._came_s = time.monotonic()
        self._coming: deque[tuple[float, SoundPacket]] = deque()
        """Packets that were given to the sink, with when their sound is heard."""
        self._last: tuple[float, SoundPacket] | None = None
        self._thread = threading.Thread(target=self._run, name="playback", daemon=True)

    def start(self) -> None:
        """Play from now on."""
        self._thread.start()

    def put(self, packet: SoundPacket) -> None:
        """A packet has come; from any thread."""
        with self._lock:
            self._came_s = time.monotonic()
            self._voicing.put(packet)

    def end(self) -> None:
        """Nothing more will come: end when all that came is played."""
        self._ending.set()

    @property
    def ending(self) -> bool:
        """Whether nothing more comes."""
        return self._ending.is_set()

    @property
    def over(self) -> bool:
        """Whether all is played."""
        return self.ended_s > 0

    def stop(self, timeout_s: float) -> None:
        """End, and wait for it."""
        self.end()
        if self._thread.is_alive():
            self._thread.join(timeout_s)

    def _run(self) -> None:
        refused = ""
        if self._after is not None:
            self._after.stop(HOLD_S)
            self._after = None
        try:
            self._sink.open()
            self._play()
        except PlaybackError as error:
            refused = str(error)
            _log.error("nothing can be played", extra={"session": self.session, "error": refused})
        finally:
            self._sink.close()
            self.ended_s = time.monotonic()
        self._tell(self._heard(ended=True, refused=refused))

    def _play(self) -> None:
        told_s = time.monotonic()
        while not self._is_over():
            with self._lock:
                sounding = self._voicing.take()
            self._give(sounding)
            if time.monotonic() - told_s >= REPORT_S:
                told_s = time.monotonic()
                self._tell(self._heard())
        self._sink.play(self._voicing.finish())

    def _is_over(self) -> bool:
        with self._lock:
            silent = time.monotonic() - self._came_s > HOLD_S
            return not self._voicing.waiting_ms and (self._ending.is_set() or silent)

    def _give(self, sounding: Sounding) -> None:
        self._sink.play(sounding.samples)
        if sounding.packet is not None:
            heard_s = time.monotonic() + self._sink.latency_s + self._voicing.delay_ms / 1000
            self._coming.append((heard_s, sounding.packet))

    def _heard(self, *, ended: bool = False, refused: str = "") -> Heard:
        now_s = time.monotonic()
        while self._coming and self._coming[0][0] <= now_s:
            self._last = self._coming.popleft()
        with self._lock:
            counts, waiting_ms = asdict(self._voicing.counts), self._voicing.waiting_ms
        when_s, packet = self._last or (now_s, None)
        return Heard(
            session=self.session, refused=refused[:200], ended=ended, waiting_ms=waiting_ms,
            played=counts["played"], lost=counts["lost"], late=counts["late"], dry=counts["dry"],
            captured_ms=packet.captured_ms if packet else None, since_ms=round((now_s - when_s) * 1000),
        )  # fmt: skip
