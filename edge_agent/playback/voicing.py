"""One turn's packets as sound: in order, what is missing bridged, never a backlog. No input or output."""

from contextlib import suppress
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from contract.audio import RATE_HZ
from contract.codec.speech import make_decoder
from contract.errors import CodecError
from contract.jitter import Counts, Due, JitterBuffer
from contract.live import SEQUENCES, SoundPacket

_FADE: Final = np.linspace(0, 1, RATE_HZ // 200, dtype=np.float32)
"""Five milliseconds: sound before and after a cut is mixed, so that no click is heard."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Sounding:
    """What is to be played next."""

    samples: NDArray[np.int16]
    packet: SoundPacket | None
    """Whose sound is the last of it; ``None`` if it was made up, or is silence."""


class Voicing:
    """One stream of packets. ``take`` gives the sound of a packet, or more where some were lost."""

    def __init__(self, codec: str, packet_ms: int) -> None:
        """``CodecError`` if the codec is not installed."""
        self._codec, self._packet_ms = codec, packet_ms
        self._silence = np.zeros(RATE_HZ * packet_ms // 1000, np.int16)
        self._decoder = make_decoder(codec, packet_ms)
        self._buffer: JitterBuffer[SoundPacket] = JitterBuffer(packet_ms, SEQUENCES)

    @property
    def counts(self) -> Counts:
        """What became of the packets."""
        return self._buffer.counts

    @property
    def waiting_ms(self) -> int:
        """Sound that has come and is not played yet."""
        return self._buffer.depth * self._packet_ms

    @property
    def delay_ms(self) -> float:
        """How much later than its packet sound comes out of the codec."""
        return self._decoder.delay_ms

    def put(self, packet: SoundPacket) -> None:
        """A packet has come. One of another codec than agreed on is none."""
        if packet.codec == self._codec:
            self._buffer.put(packet.sequence, packet)

    def take(self) -> Sounding:
        """What is to be played now."""
        due = self._buffer.take()
        if due is not None:
            return Sounding(samples=self._sound(due), packet=due.payload)
        made_up = self._decoder.conceal() if self._buffer.dry else self._silence
        return Sounding(samples=made_up, packet=None)

    def finish(self) -> NDArray[np.int16]:
        """What the codec still holds back when nothing more comes."""
        packets = -(-int(self.delay_ms) // self._packet_ms)
        return np.concatenate([self._silence[:0], *(self._decoder.push(b"", 0) for _ in range(packets))])

    def _sound(self, due: Due[SoundPacket]) -> NDArray[np.int16]:
        cut: NDArray[np.int16] | None = None
        for packet in due.skipped:
            with suppress(CodecError):
                cut = self._decoder.push(packet.payload, 0) if cut is None else cut
        try:
            sound = self._decoder.push(due.payload.payload, due.missing)
        except CodecError:
            sound = np.concatenate([self._decoder.conceal() for _ in range(1 + due.missing)])
        return sound if cut is None else _joined(cut, sound)


def _joined(before: NDArray[np.int16], after: NDArray[np.int16]) -> NDArray[np.int16]:
    """``after``, that begins as ``before`` would have."""
    length = _FADE.size
    mixed = before[:length] * (1 - _FADE) + after[:length] * _FADE
    return np.concatenate([mixed.astype(np.int16), after[length:]])
