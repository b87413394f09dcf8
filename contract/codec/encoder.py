"""Frames in, packets out; nothing in silence."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from contract.codec.packets import MOST_FRAMES, NUMBERS, Packet
from contract.codec.prediction import ESCAPE, WIDEST, Model, code_frame, learned
from contract.codec.profiles import LEAST, Profile
from contract.codec.range_coder import RangeEncoder

SILENCE: Final = -33
"""A frame whose loudest bin is below this, -72 dB of full scale, is silent."""

LINGER_MS: Final = 200
"""So much silence is sent before the pause begins: a word's end is quiet, too."""

SPELT_BITS: Final = 8


class Encoder:
    """One stream of frames."""

    def __init__(self, profile: Profile, *, frames_per_packet: int = 3, packets_per_key: int = 1) -> None:
        """With one packet per key each packet is understood by itself, whatever was lost before it."""
        if not (1 <= frames_per_packet <= MOST_FRAMES and packets_per_key >= 1):
            raise ValueError(f"a packet has 1 to {MOST_FRAMES} frames, and there is a first key")
        self._profile, self._models = profile, learned(profile.frames_per_s)
        self._linger_frames = LINGER_MS * profile.frames_per_s // 1000
        self._frames_per_packet, self._packets_per_key = frames_per_packet, packets_per_key
        self._waiting: list[NDArray[np.int8]] = []
        self._before = self._earlier = np.array(self._models.typical, np.int64)
        self._number, self._since_key, self._silent_frames = 0, 0, 0

    def push(self, frame: NDArray[np.int8]) -> bytes | None:
        """The packet that the next ``frame`` (MEL_BINS,) completes, if it does."""
        self._silent_frames = self._silent_frames + 1 if int(frame.max()) < SILENCE else 0
        if self._silent_frames > self._linger_frames:
            # What comes after a pause has nothing before it.
            self._number, self._since_key = (self._number + 1) % NUMBERS, 0
            return None
        self._waiting.append(frame)
        pause = self._silent_frames == self._linger_frames
        return self._packet(pause=pause) if pause or len(self._waiting) == self._frames_per_packet else None

    def finish(self) -> bytes | None:
        """The packet of the frames that still wait, if any do."""
        return self._packet(pause=True) if self._waiting else None

    def _packet(self, *, pause: bool) -> bytes:
        key, coder = self._since_key == 0, RangeEncoder()
        for index, frame in enumerate(self._waiting):
            self._add(coder, frame, key=key and index == 0)
        packet = Packet(
            profile=self._profile,
            key=key,
            pause=pause,
            frames=len(self._waiting),
            number=self._number,
            payload=coder.finish(),
        )
        self._number = (self._number + len(self._waiting)) % NUMBERS
        self._since_key = (self._since_key + 1) % self._packets_per_key
        self._waiting = []
        return packet.to_bytes()

    def _add(self, coder: RangeEncoder, frame: NDArray[np.int8], *, key: bool) -> None:
        wanted = rounded(frame, self._profile)
        if key:
            self._before = self._earlier = np.array(self._models.typical, np.int64)
        model = self._models.key if key else self._models.following
        values = encode_frame(coder, model, self._profile, wanted, self._before, self._earlier)
        self._earlier, self._before = (values if key else self._before), values


def rounded(frame: NDArray[np.int8], profile: Profile) -> list[int]:
    """The index of each value among the multiples of its step."""
    steps = np.array(profile.steps)
    nearest: list[int] = ((frame.astype(np.int64) - LEAST + steps // 2) // steps).tolist()
    return nearest


def encode_frame(
    coder: RangeEncoder,
    model: Model,
    profile: Profile,
    wanted: list[int],
    before: NDArray[np.int64],
    earlier: NDArray[np.int64],
) -> NDArray[np.int64]:
    """Add a frame to ``coder``; the values that the decoder will have."""
    tables, encode = model.tables, coder.encode

    def settle(bin_: int, context: int, predicted: int) -> int:
        index = wanted[bin_]
        symbol = index - predicted + WIDEST
        if 0 <= symbol < ESCAPE:
            encode(tables[context], symbol)
        else:
            encode(tables[context], ESCAPE)
            coder.encode_plain(SPELT_BITS, index)
        return index

    return code_frame(model, profile, before, earlier, settle)
