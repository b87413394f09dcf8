"""Sound as packets of a codec, as it comes."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from contract.audio import RATE_HZ
from contract.codec.analysis import FineAnalysis
from contract.codec.encoder import Encoder
from contract.codec.opus import OpusEncoder, opus_is_here
from contract.codec.profiles import BY_NAME, FINE_RATE
from contract.live import CODECS, OPUS

STILL_THERE_MS: Final = 500
"""In silence so often an empty packet says that it goes on."""

_FEATURES: Final = tuple(codec for codec in CODECS if codec in BY_NAME)
_FRAME_S: Final = 1 / FINE_RATE
_FRAME_SAMPLES: Final = RATE_HZ // FINE_RATE


@dataclass(frozen=True, slots=True, kw_only=True)
class Encoded:
    """What a packet shall hold."""

    captured_s: float
    """When the last sample in it was captured."""
    payload: bytes


class SoundEncoder(Protocol):
    """One stream of sound on its way into packets."""

    def push(self, samples: NDArray[np.int16], captured_s: float) -> Iterator[Encoded]:
        """What ``samples`` (n,) complete; the last of them was captured at ``captured_s``."""


def codecs(*, opus: bool) -> tuple[str, ...]:
    """Those that this node can send; Opus only if its owner allows it and its library is there."""
    return (*_FEATURES, OPUS) if opus and opus_is_here() else _FEATURES


def make_encoder(codec: str, packet_ms: int) -> SoundEncoder:
    """The encoder of a codec of ``codecs()``."""
    return OpusSound(packet_ms) if codec == OPUS else FeatureSound(codec, packet_ms)


class OpusSound:
    """Sound as it is, silence too."""

    def __init__(self, packet_ms: int) -> None:
        self._encoder = OpusEncoder(packet_ms)
        self._packet_samples = RATE_HZ * packet_ms // 1000
        self._rest = np.zeros(0, np.int16)

    def push(self, samples: NDArray[np.int16], captured_s: float) -> Iterator[Encoded]:
        """The packets that ``samples`` (n,) fill."""
        self._rest = np.concatenate([self._rest, samples])
        while len(self._rest) >= self._packet_samples:
            payload = self._encoder.push(self._rest[: self._packet_samples])
            self._rest = self._rest[self._packet_samples :]
            yield Encoded(captured_s=captured_s - len(self._rest) / RATE_HZ, payload=payload)


class FeatureSound:
    """Sound that was made features: what it sounded like, not the sound itself."""

    def __init__(self, codec: str, packet_ms: int) -> None:
        per_packet = packet_ms * FINE_RATE // 1000
        self._analysis = FineAnalysis()
        self._encoder = Encoder(BY_NAME[codec], frames_per_packet=per_packet)
        self._still_there_frames = per_packet + STILL_THERE_MS * FINE_RATE // 1000
        self._since_packet = 0
        self._rest_samples = 0

    def push(self, samples: NDArray[np.int16], captured_s: float) -> Iterator[Encoded]:
        """What ``samples`` (n,) complete; in silence next to nothing."""
        frames = self._analysis.push(samples)
        self._rest_samples = (self._rest_samples + len(samples)) % _FRAME_SAMPLES
        last_s = captured_s - self._rest_samples / RATE_HZ
        for behind, frame in zip(range(len(frames) - 1, -1, -1), frames, strict=True):
            payload = self._encoder.push(frame)
            self._since_packet = 0 if payload else self._since_packet + 1
            if self._since_packet == self._still_there_frames:
                payload, self._since_packet = b"", 0
            if payload is not None:
                yield Encoded(captured_s=last_s - behind * _FRAME_S, payload=payload)
