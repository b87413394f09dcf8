"""Packets in, frames out; what was lost is bridged, what is no packet is refused with one error."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from contract.audio import MEL_BINS
from contract.codec.concealment import bridge
from contract.codec.encoder import SPELT_BITS
from contract.codec.packets import NUMBERS, Packet, read_packet
from contract.codec.prediction import ESCAPE, WIDEST, Model, Settle, code_frame, learned
from contract.codec.profiles import LEAST, MOST, Profile
from contract.codec.range_coder import RangeDecoder
from contract.errors import CodecError

LONGEST_BRIDGE_MS: Final = 300
"""More is not invented."""

_NO_FRAMES: Final = np.zeros((0, MEL_BINS), np.int8)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Decoded:
    """What a packet brought."""

    missing: int
    """Frames between those of the last packet and these."""
    paused: bool
    """Whether these are missing because they were silent, not because they were lost."""
    bridge: NDArray[np.int8]
    """(missing, MEL_BINS) in place of what is missing; fewer, or none, if that is too much to invent."""
    frames: NDArray[np.int8]
    """(T, MEL_BINS) as the encoder rounded them; none of a packet that is late or cannot be understood."""


class Decoder:
    """One stream of packets, in the order in which they come."""

    def __init__(self) -> None:
        self._profile: Profile | None = None
        self._next = 0
        self._paused = False
        self._before = self._earlier = np.zeros(MEL_BINS, np.int64)

    @property
    def pauses(self) -> bool:
        """Whether silence follows the last packet."""
        return self._paused

    def push(self, content: bytes) -> Decoded:
        """What a packet brings; ``CodecError`` if it is none. The stream goes on as if that had not come.

        A key packet of another frame rate begins a new stream.
        """
        packet = read_packet(content)
        goes_on = self._profile is not None and self._profile.frames_per_s == packet.profile.frames_per_s
        missing = (packet.number - self._next) % NUMBERS if goes_on else 0
        late = missing >= NUMBERS // 2
        hangs = not packet.key and (missing > 0 or not goes_on)
        if late or hangs:
            return Decoded(missing=0, paused=False, bridge=_NO_FRAMES, frames=_NO_FRAMES)
        last, paused = self._before.astype(np.int8), self._paused
        frames = self._frames(packet)
        longest = LONGEST_BRIDGE_MS * packet.profile.frames_per_s // 1000
        made = bridge(last, frames[0], missing, longest, paused=paused)
        self._profile, self._paused = packet.profile, packet.pause
        self._next = (packet.number + packet.frames) % NUMBERS
        return Decoded(missing=missing, paused=paused, bridge=made, frames=frames)

    def _frames(self, packet: Packet) -> NDArray[np.int8]:
        models, coder, rows = learned(packet.profile.frames_per_s), RangeDecoder(packet.payload), []
        before, earlier = self._before, self._earlier
        for index in range(packet.frames):
            if key := packet.key and index == 0:
                before = earlier = np.array(models.typical, np.int64)
            model = models.key if key else models.following
            settle = _settling(coder, model, packet.profile)
            values = code_frame(model, packet.profile, before, earlier, settle)
            earlier, before = (values if key else before), values
            rows.append(values)
        coder.finish()
        self._before, self._earlier = before, earlier
        return np.array(rows, np.int8)


def _settling(coder: RangeDecoder, model: Model, profile: Profile) -> Settle:
    """Reads the indices of a frame."""
    tables, decode = model.tables, coder.decode
    most = [(MOST - LEAST + step // 2) // step for step in profile.steps]

    def settle(bin_: int, context: int, predicted: int) -> int:
        symbol = decode(tables[context])
        index = coder.decode_plain(SPELT_BITS) if symbol == ESCAPE else predicted + symbol - WIDEST
        if not 0 <= index <= most[bin_]:
            raise CodecError("a value is beyond what features can be")
        return index

    return settle
