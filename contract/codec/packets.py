"""Packets: a header of three bytes, then frames of one profile.

| byte | bits | meaning |
|---|---|---|
| 0 | 0–2 | number of the profile |
| 0 | 3 | key: the first frame is said without those before it |
| 0 | 4 | pause: silence follows, of which nothing is sent |
| 0 | 5–7 | how many frames there are, less one |
| 1–2 | | number of the first frame, modulo 65536, big-endian; frames of a pause are counted |
"""

from dataclasses import dataclass
from typing import Final

from contract.codec.profiles import PROFILES, Profile
from contract.errors import CodecError

HEADER_BYTES: Final = 3
MOST_FRAMES: Final = 8
LARGEST_BYTES: Final = 2048
"""More than any packet takes; a decoder looks at nothing longer."""

NUMBERS: Final = 1 << 16
_PROFILE, _KEY, _PAUSE, _FRAMES = 0b111, 1 << 3, 1 << 4, 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Packet:
    """What a header says, and what follows it."""

    profile: Profile
    key: bool
    pause: bool
    frames: int
    number: int
    """Of the first frame, modulo NUMBERS."""
    payload: bytes

    def to_bytes(self) -> bytes:
        """The packet as it travels."""
        flags = (
            self.profile.number | (self.key and _KEY) | (self.pause and _PAUSE) | (self.frames - 1) << _FRAMES
        )
        return bytes([flags]) + self.number.to_bytes(2, "big") + self.payload


def read_packet(content: bytes) -> Packet:
    """The packet that ``content`` holds; ``CodecError`` if its size fits none."""
    if not HEADER_BYTES <= len(content) <= LARGEST_BYTES:
        raise CodecError(f"a packet has {HEADER_BYTES} to {LARGEST_BYTES} bytes, not {len(content)}")
    flags = content[0]
    if flags & _PROFILE >= len(PROFILES):
        raise CodecError(f"no profile has number {flags & _PROFILE}")
    return Packet(
        profile=PROFILES[flags & _PROFILE],
        key=bool(flags & _KEY),
        pause=bool(flags & _PAUSE),
        frames=(flags >> _FRAMES) + 1,
        number=int.from_bytes(content[1:HEADER_BYTES], "big"),
        payload=content[HEADER_BYTES:],
    )
