"""Opus (RFC 6716) by its library, where a wave form is wanted: speech as it was, at the price of some delay.

The library is an extra of its own (``pip install 'soundpost[voice]'``); whoever lacks it has the codec of
features.
"""

from importlib.util import find_spec
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from contract.audio import RATE_HZ
from contract.errors import CodecError

BITS_PER_S: Final = 24_000
"""What the encoder aims at. Below about 18,000 it leaves out the copies that ``LOSS_PERCENT`` asks for."""

LOSS_PERCENT: Final = 10
"""What it is prepared for: each packet then holds a coarse copy of the one before it."""

DELAY_MS: Final = 6.5
"""Sound comes out of the decoder so much later, beside the length of a packet."""

LARGEST_BYTES: Final = 1275
"""Of a packet of one frame."""


def opus_is_here() -> bool:
    """Whether the library is installed."""
    return find_spec("opuslib_next") is not None


class OpusEncoder:
    """One stream of samples."""

    def __init__(self, packet_ms: int, bits_per_s: int = BITS_PER_S) -> None:
        """``CodecError`` without the library."""
        opus = _library()
        self._samples = RATE_HZ * packet_ms // 1000
        self._encoder = opus.Encoder(RATE_HZ, 1, opus.APPLICATION_VOIP)
        self._encoder.bitrate = bits_per_s
        self._encoder.inband_fec, self._encoder.packet_loss_perc = 1, LOSS_PERCENT

    def push(self, pcm: NDArray[np.int16]) -> bytes:
        """The packet of ``pcm``, which fills one."""
        return bytes(self._encoder.encode(pcm.astype("<i2").tobytes(), self._samples))


class OpusDecoder:
    """One stream of packets."""

    def __init__(self, packet_ms: int) -> None:
        """``CodecError`` without the library."""
        self._opus = _library()
        self._samples = RATE_HZ * packet_ms // 1000
        self._decoder = self._opus.Decoder(RATE_HZ, 1)

    def push(self, packet: bytes) -> NDArray[np.int16]:
        """The samples that a packet holds; ``CodecError`` if it is none, or another length of sound."""
        if not packet or len(packet) > LARGEST_BYTES:
            raise CodecError(f"an Opus packet has 1 to {LARGEST_BYTES} bytes, not {len(packet)}")
        return self._decode(packet)

    def conceal(self, follows: bytes = b"") -> NDArray[np.int16]:
        """The samples in place of a lost packet: from the copy in the one that ``follows``, or made up."""
        return self._decode(follows, copied=bool(follows))

    def _decode(self, packet: bytes, *, copied: bool = False) -> NDArray[np.int16]:
        try:
            sound = self._decoder.decode(packet, self._samples, copied)
        except self._opus.OpusError as error:
            raise CodecError(f"Opus: {error}") from error
        pcm = np.frombuffer(sound, np.int16)
        if pcm.size != self._samples:
            raise CodecError(f"an Opus packet of {pcm.size} samples, where {self._samples} are agreed on")
        return pcm


def _library() -> Any:
    try:
        import opuslib_next
    except ImportError as error:
        raise CodecError("Opus needs the extra: pip install 'soundpost[voice]'") from error
    return opuslib_next
