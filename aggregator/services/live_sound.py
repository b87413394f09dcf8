"""From the packets of a stream to sound, as they come: what was lost is bridged, what breaks begins anew."""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from aggregator.domain.live_timeline import Timeline
from contract.audio import RATE_HZ
from contract.codec.decoder import Decoder
from contract.codec.opus import OpusDecoder
from contract.codec.profiles import FINE_RATE
from contract.codec.reconstruction import Reconstruction
from contract.live import OPUS, SoundPacket

LONGEST_CONCEALED_MS: Final = 100
"""Opus makes up no more than this in place of lost packets."""

_FRAME_SAMPLES: Final = RATE_HZ // FINE_RATE
_NOTHING: Final = np.zeros(0, np.int16)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Heard:
    """Some sound."""

    position: int
    """Of its first sample since the stream began; what lies before and was not given is silent."""
    samples: NDArray[np.int16]
    """(n,) at 16 kHz; none where only silence goes on up to ``position``."""
    captured_s: float
    """When the last of them was captured, by the node's clock."""
    concealed: int
    """Samples among them that stand in for what was lost."""
    quiet: bool
    """Whether silence follows, until more comes."""


class SoundStream:
    """The packets of one session."""

    def __init__(self, codec: str, packet_ms: int) -> None:
        self._timeline = Timeline()
        self._opus = OpusSound(packet_ms) if codec == OPUS else None
        self._features: FeatureSound | None = None
        self._given = 0
        """Position behind the last sample that was given out."""

    def push(self, packet: SoundPacket, lost: int) -> Heard | None:
        """What a packet brings, before which ``lost`` others did not come; ``CodecError`` if it is none."""
        captured_s = packet.captured_ms / 1000
        if not packet.payload:
            return self._silence(captured_s)
        if self._opus is not None:
            return self._take(captured_s, *self._opus.push(packet.payload, lost))
        return self._take_features(captured_s, packet.payload)

    def _take(self, captured_s: float, samples: NDArray[np.int16], concealed: int) -> Heard:
        if self._timeline.goes_on(captured_s, len(samples)):
            start = self._timeline.end
            self._timeline.extend(captured_s, len(samples))
        else:
            start = self._timeline.begin(captured_s, len(samples))
        return Heard(position=start, samples=samples, captured_s=captured_s, concealed=concealed, quiet=False)

    def _take_features(self, captured_s: float, payload: bytes) -> Heard | None:
        stream = self._features or FeatureSound()
        before, frames, breaks, pause = stream.decode(payload)
        if not len(frames):
            return None
        fresh, bridged = len(frames) * _FRAME_SAMPLES, len(before) * _FRAME_SAMPLES
        if self._features is None or breaks or not self._timeline.goes_on(captured_s, fresh + bridged):
            stream.begin()
            start = self._timeline.begin(captured_s, fresh)
            self._given, before = start, before[:0]
        else:
            self._timeline.extend(captured_s, fresh + bridged)
        self._features = None if pause else stream
        samples = stream.sound(np.concatenate([before, frames]), last=pause)
        if not len(samples) and not pause:
            return None
        return self._give(samples, captured_s, concealed=len(before) * _FRAME_SAMPLES, quiet=pause)

    def _silence(self, captured_s: float) -> Heard:
        owed, self._features = self._features, None
        if owed is not None:
            return self._give(owed.rest(), captured_s, concealed=0, quiet=True)
        self._timeline.rest_until(captured_s)
        return Heard(
            position=self._timeline.end, samples=_NOTHING, captured_s=captured_s, concealed=0, quiet=True
        )

    def _give(self, samples: NDArray[np.int16], captured_s: float, *, concealed: int, quiet: bool) -> Heard:
        start = self._given
        # Of half a hop, reconstruction makes a whole one at the end.
        samples = samples[: max(0, self._timeline.end - start)]
        self._given += len(samples)
        behind_s = max(0, self._timeline.end - self._given) / RATE_HZ
        return Heard(
            position=start, samples=samples, captured_s=captured_s - behind_s, concealed=concealed,
            quiet=quiet,
        )  # fmt: skip


class FeatureSound:
    """Frames of the finer tensor, from a key packet to a pause."""

    def __init__(self) -> None:
        self._decoder, self._reconstruction = Decoder(), Reconstruction(FINE_RATE)

    def decode(self, payload: bytes) -> tuple[NDArray[np.int8], NDArray[np.int8], bool, bool]:
        """What stands in for lost frames, frames, whether the stream broke before them, whether it pauses."""
        decoded = self._decoder.push(payload)
        breaks = decoded.paused or len(decoded.bridge) != decoded.missing
        return decoded.bridge, decoded.frames, breaks, self._decoder.pauses

    def begin(self) -> None:
        """What comes next has nothing to do with what was."""
        self._reconstruction = Reconstruction(FINE_RATE)

    def sound(self, frames: NDArray[np.int8], *, last: bool) -> NDArray[np.int16]:
        """The samples that are known after ``frames``; all of them with the ``last``."""
        samples = self._reconstruction.push(frames)
        return np.concatenate([samples, self.rest()]) if last else samples

    def rest(self) -> NDArray[np.int16]:
        """The samples that are still owed."""
        return self._reconstruction.finish()


class OpusSound:
    """Packets of Opus."""

    def __init__(self, packet_ms: int) -> None:
        self._decoder: Any = OpusDecoder(packet_ms)
        self._most_lost = LONGEST_CONCEALED_MS // packet_ms

    def push(self, payload: bytes, lost: int) -> tuple[NDArray[np.int16], int]:
        """The samples of a packet behind those made up for lost ones, and how many these are."""
        made_up = []
        if 0 < lost <= self._most_lost:
            made_up = [self._decoder.conceal() for _ in range(lost - 1)]
            made_up.append(self._decoder.conceal(payload))
        samples = [*made_up, self._decoder.push(payload)]
        return np.concatenate(samples), sum(map(len, made_up))
