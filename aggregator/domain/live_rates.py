"""How a live stream does: its bits, and what of it was lost, over the last seconds. Pure."""

from collections import deque
from dataclasses import dataclass
from typing import Final

SPAN_S: Final = 5.0
TCP_BYTES: Final = 52
"""Headers of IP version 4 and TCP with time stamps, under each packet that is sent by itself."""
MQTT_BYTES: Final = 5
"""Type, length, length of the topic's name, no properties."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rates:
    """Over the last seconds."""

    payload_bps: float
    """Bits a second of what the codec said."""
    wire_bps: float
    """The same with all headers, as it went over the node's line."""
    lost: float
    """Share of packets that did not come."""
    delay_s: float | None
    """Middle of the times from capture to arrival, by two clocks; None where nothing came."""


class RateMeter:
    """One stream."""

    def __init__(self) -> None:
        self._seen: deque[tuple[float, int, int, int, float]] = deque()
        self._next: int | None = None
        self._begun_s: float | None = None

    def take(
        self, *, now_s: float, sequence: int, modulo: int, payload_bytes: int, wire_bytes: int, delay_s: float
    ) -> int:
        """A packet came; how many before it did not."""
        self._begun_s = now_s if self._begun_s is None else self._begun_s
        lost = 0 if self._next is None else (sequence - self._next) % modulo
        if lost >= modulo // 2:
            # It comes late, or the node has begun anew.
            lost = 0
        self._next = (sequence + 1) % modulo
        self._seen.append((now_s, lost, payload_bytes, wire_bytes, delay_s))
        self._forget(now_s)
        return lost

    def rates(self, now_s: float) -> Rates:
        """What the last seconds say."""
        self._forget(now_s)
        came, lost = len(self._seen), sum(one[1] for one in self._seen)
        delays = sorted(one[4] for one in self._seen)
        begun_s = self._begun_s if self._begun_s is not None else now_s
        span_s = max(1.0, min(SPAN_S, now_s - begun_s))
        return Rates(
            payload_bps=8 * sum(one[2] for one in self._seen) / span_s,
            wire_bps=8 * sum(one[3] for one in self._seen) / span_s,
            lost=lost / (came + lost) if came else 0.0,
            delay_s=delays[came // 2] if came else None,
        )

    def _forget(self, now_s: float) -> None:
        while self._seen and self._seen[0][0] < now_s - SPAN_S:
            self._seen.popleft()


def wire_bytes(topic: str, content_bytes: int) -> int:
    """Bytes that a message takes on the line, if it is sent by itself."""
    return TCP_BYTES + MQTT_BYTES + len(topic) + content_bytes
