"""Ways of sending speech, all alike: samples in, packets out, and samples again from what arrives."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from contract.audio import FRAMES_PER_S, HOP_SAMPLES, MEL_BINS, RATE_HZ
from contract.codec.analysis import FineAnalysis
from contract.codec.decoder import Decoder
from contract.codec.encoder import Encoder
from contract.codec.profiles import Profile
from contract.codec.reconstruction import Reconstruction
from model_build.runtime import Frontend

Pcm = NDArray[np.int16]
Packets = Sequence[bytes | None]
"""One entry for each span of time; None where nothing was sent, or it was lost."""

Pack = Callable[[Pcm], Packets]
Unpack = Callable[[Packets], Pcm]


class Codec(Protocol):
    """A codec under test."""

    @property
    def name(self) -> str:
        """What the table calls it."""

    def encode(self, pcm: Pcm) -> Packets:
        """The packets of a recording."""

    def decode(self, packets: Packets) -> Pcm:
        """The recording again, in step with what was encoded."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FeatureCodec:
    """Ours."""

    profile: Profile
    packet_ms: int
    preprocess: bytes
    """The front end of a bundle, for profiles of stored frames."""

    @property
    def name(self) -> str:
        """Profile and packet."""
        return f"Soundpost {self.profile.name}"

    def encode(self, pcm: Pcm) -> Packets:
        """Each packet by itself: nothing hangs on one that is lost."""
        per_packet = self.packet_ms * self.profile.frames_per_s // 1000
        encoder = Encoder(self.profile, frames_per_packet=per_packet)
        stored = self.profile.frames_per_s == FRAMES_PER_S
        frames = Frontend(self.preprocess).features(pcm) if stored else FineAnalysis().push(pcm)
        packets = [encoder.push(frame) for frame in frames]
        return [*packets, encoder.finish()]

    def decode(self, packets: Packets) -> Pcm:
        """What is missing is bridged; silence keeps its length."""
        decoder, stream, sound = Decoder(), Reconstruction(self.profile.frames_per_s), []
        for packet in packets:
            if packet is None:
                continue
            told = decoder.push(packet)
            rest = np.full((told.missing - len(told.bridge), MEL_BINS), -128, np.int8)
            sound.append(stream.push(np.concatenate([told.bridge, rest, told.frames])))
        return np.concatenate([*sound, stream.finish()])


@dataclass(frozen=True, slots=True, kw_only=True)
class OpusCodec:
    """Opus by its library, for speech, in packets of 20 ms."""

    bit_rate: int
    repeats: bool = False
    """Whether each packet holds a coarse copy of the one before it (in-band FEC)."""

    @property
    def name(self) -> str:
        """Its bit rate."""
        return f"Opus {self.bit_rate / 1000:g}k{' FEC' if self.repeats else ''}"

    def encode(self, pcm: Pcm) -> Packets:
        """As a call would."""
        import opuslib_next as opus

        encoder = opus.Encoder(RATE_HZ, 1, opus.APPLICATION_VOIP)
        encoder.bitrate = self.bit_rate
        if self.repeats:
            encoder.inband_fec, encoder.packet_loss_perc = 1, 15
        padded = np.pad(pcm, (0, encoder.lookahead + HOP_SAMPLES))
        return [
            encoder.encode(hop.tobytes(), HOP_SAMPLES)
            for hop in padded[: padded.size // HOP_SAMPLES * HOP_SAMPLES].reshape(-1, HOP_SAMPLES)
        ]

    def decode(self, packets: Packets) -> Pcm:
        """A lost packet is taken from the one after it, if that has a copy, else concealed by the library."""
        import opuslib_next as opus

        decoder, sound = opus.Decoder(RATE_HZ, 1), b""
        for packet, follows in zip(packets, [*packets[1:], None], strict=True):
            copied = packet is None and self.repeats and follows is not None
            sound += decoder.decode((follows if copied else packet) or b"", HOP_SAMPLES, copied)
        delay = opus.Encoder(RATE_HZ, 1, opus.APPLICATION_VOIP).lookahead
        return np.frombuffer(sound, np.int16)[delay:]


@dataclass(frozen=True, slots=True, kw_only=True)
class Codec2:
    """Codec 2, which speaks 8 kHz: the lowest rate there is."""

    bit_rate: int

    @property
    def name(self) -> str:
        """Its bit rate."""
        return f"Codec2 {self.bit_rate}"

    def encode(self, pcm: Pcm) -> Packets:
        """At half the rate."""
        import soxr

        codec = self._codec()
        narrow = soxr.resample(pcm, RATE_HZ, RATE_HZ // 2)
        hop = codec.samples_per_frame()
        return [codec.encode(part) for part in narrow[: narrow.size // hop * hop].reshape(-1, hop)]

    def decode(self, packets: Packets) -> Pcm:
        """It conceals nothing: what is lost is silent."""
        import soxr

        codec = self._codec()
        silence = np.zeros(codec.samples_per_frame(), np.int16)
        narrow = [silence if packet is None else codec.decode(packet) for packet in packets]
        return np.asarray(soxr.resample(np.concatenate(narrow), RATE_HZ // 2, RATE_HZ), np.int16)

    def _codec(self) -> Any:
        import pycodec2

        return pycodec2.Codec2(self.bit_rate)


OPUS_RATES: Final = (6_000, 8_000, 12_000, 16_000, 24_000)
CODEC2_RATES: Final = (1_300, 3_200)


def rivals() -> tuple[list[Codec], list[str]]:
    """Those that are installed, and what is missing."""
    found: list[Codec] = []
    missing = []
    for module, codecs in (
        ("pycodec2", [Codec2(bit_rate=rate) for rate in CODEC2_RATES]),
        ("opuslib_next", [OpusCodec(bit_rate=rate) for rate in OPUS_RATES]),
    ):
        try:
            __import__(module)
        except ImportError:
            missing.append(module)
        else:
            found += codecs
    return found, missing
