"""Sound as one packet for every so many milliseconds, and back, by any codec of ``contract.live``."""

from collections import deque
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from contract.audio import HOP_MS, MEL_BINS, RATE_HZ
from contract.codec.analysis import FineAnalysis
from contract.codec.decoder import Decoder
from contract.codec.encoder import Encoder
from contract.codec.opus import DELAY_MS, OpusDecoder, OpusEncoder, opus_is_here
from contract.codec.phase import DELAY_HOPS
from contract.codec.profiles import BY_NAME, FINE_RATE, LEAST
from contract.codec.reconstruction import Reconstruction
from contract.errors import CodecError
from contract.live import CODECS, OPUS

Pcm = NDArray[np.int16]

SILENCE: Final = b""
"""The packet of what was silent."""

FADE_STEPS: Final = 6
"""Three decibels: by so much each frame that is made up is quieter than the one before it."""

_MS_PER_FRAME: Final = 1000 // FINE_RATE
_RINGS_HOPS: Final = DELAY_HOPS + 1
"""After so many silent hops a reconstruction has nothing more to give."""

_NOTHING: Final = np.zeros(0, np.int16)


def codecs_here() -> tuple[str, ...]:
    """Those that this installation speaks, the best for a voice first."""
    features = tuple(name for name in reversed(CODECS) if name != OPUS)
    return (OPUS, *features) if opus_is_here() else features


class SpeechEncoder:
    """One stream of samples."""

    def __init__(self, codec: str, packet_ms: int) -> None:
        """``CodecError`` if the codec is not installed."""
        self._samples = RATE_HZ * packet_ms // 1000
        self._rest = _NOTHING
        self._maker: _Makes = OpusEncoder(packet_ms) if codec == OPUS else _FeatureEncoder(codec, packet_ms)

    @property
    def waiting(self) -> int:
        """Samples that fill no packet yet."""
        return self._rest.size

    def push(self, pcm: Pcm) -> list[bytes]:
        """The packets that ``pcm`` completes; samples that fill none wait."""
        joined = np.concatenate([self._rest, pcm])
        whole = joined.size // self._samples * self._samples
        self._rest = joined[whole:]
        return [self._maker.push(part) for part in joined[:whole].reshape(-1, self._samples)]


class SpeechDecoder(Protocol):
    """One stream of packets; each stands for the same length of sound."""

    delay_ms: float
    """How much later than its packet sound comes out."""

    def push(self, packet: bytes, missing: int) -> Pcm:
        """The sound of ``missing`` packets that were lost, and of the one after them.

        ``CodecError`` if that is none; the stream goes on.
        """

    def conceal(self) -> Pcm:
        """The sound of a packet that has not come yet, made up."""


def make_decoder(codec: str, packet_ms: int) -> SpeechDecoder:
    """``CodecError`` if the codec is not installed."""
    return _OpusStream(packet_ms) if codec == OPUS else _FeatureStream(packet_ms)


class _Makes(Protocol):
    def push(self, pcm: Pcm) -> bytes: ...


class _FeatureEncoder:
    """Frames of the finer tensor; each packet is understood by itself."""

    def __init__(self, codec: str, packet_ms: int) -> None:
        self._analysis = FineAnalysis()
        self._encoder = Encoder(BY_NAME[codec], frames_per_packet=packet_ms // _MS_PER_FRAME)
        self._made: deque[bytes] = deque()

    def push(self, pcm: Pcm) -> bytes:
        packets = (self._encoder.push(frame) for frame in self._analysis.push(pcm))
        # Where a pause ends within a packet, frames wait for the next one; where it begins, there may be two.
        self._made.extend(packet for packet in packets if packet is not None)
        return self._made.popleft() if self._made else SILENCE


class _FeatureStream:
    """Frames, and sound of them."""

    delay_ms: float = DELAY_HOPS * HOP_MS

    def __init__(self, packet_ms: int) -> None:
        self._samples = RATE_HZ * packet_ms // 1000
        self._frames = packet_ms // _MS_PER_FRAME
        self._decoder, self._reconstruction = Decoder(), Reconstruction(FINE_RATE)
        self._last = np.full((1, MEL_BINS), LEAST, np.int8)
        self._silent_frames = 0
        self._sound = np.zeros(RATE_HZ * DELAY_HOPS // 50, np.int16)
        """Made, not given yet; at first what reconstruction holds back."""

    def push(self, packet: bytes, missing: int) -> Pcm:
        if not packet:
            lost = [self.conceal() for _ in range(missing)]
            return np.concatenate([*lost, self._silence()])
        told = self._decoder.push(packet)
        if len(told.frames) > self._frames:
            # Heard, they would be a backlog.
            raise CodecError(f"{len(told.frames)} frames, where {self._frames} are agreed on")
        wanted = missing * self._frames
        bridge = told.bridge[len(told.bridge) - min(wanted, len(told.bridge)) :]
        if len(bridge) < wanted:
            bridge = np.concatenate([np.full((wanted - len(bridge), MEL_BINS), LEAST, np.int8), bridge])
        return self._hear(np.concatenate([bridge, told.frames]), 1 + missing)

    def conceal(self) -> Pcm:
        steps = np.arange(1, self._frames + 1)[:, None] * FADE_STEPS
        return self._hear(np.maximum(self._last.astype(np.int64) - steps, LEAST).astype(np.int8), 1)

    def _silence(self) -> Pcm:
        frames = np.full((self._frames, MEL_BINS), LEAST, np.int8)
        if self._silent_frames < _RINGS_HOPS * FINE_RATE // 50:
            self._silent_frames += self._frames
            return self._hear(frames, 1)
        return self._give(1)

    def _hear(self, frames: NDArray[np.int8], packets: int) -> Pcm:
        if len(frames):
            self._last = frames[-1:]
            self._silent_frames = 0 if int(frames.max()) > LEAST else self._silent_frames
        self._sound = np.concatenate([self._sound, self._reconstruction.push(frames)])
        return self._give(packets)

    def _give(self, packets: int) -> Pcm:
        wanted = packets * self._samples
        given, self._sound = self._sound[:wanted], self._sound[wanted:]
        return np.concatenate([given, np.zeros(wanted - given.size, np.int16)])


class _OpusStream:
    """The library conceals; the copy that a packet holds of the one before it helps."""

    delay_ms: float = DELAY_MS

    def __init__(self, packet_ms: int) -> None:
        self._samples = RATE_HZ * packet_ms // 1000
        self._decoder = OpusDecoder(packet_ms)

    def push(self, packet: bytes, missing: int) -> Pcm:
        made_up = [self._decoder.conceal() for _ in range(missing - bool(packet))]
        if not packet:
            return np.concatenate([*made_up, np.zeros(self._samples, np.int16)])
        copied = [self._decoder.conceal(packet)] if missing else []
        return np.concatenate([*made_up, *copied, self._decoder.push(packet)])

    def conceal(self) -> Pcm:
        return self._decoder.conceal()
