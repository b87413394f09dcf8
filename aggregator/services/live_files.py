"""A live stream as a WAV that has no end yet: its header promises as much as can be."""

import struct
from typing import Final

from contract.audio import RATE_HZ

_ENDLESS: Final = 0xFFFFFFFF
HEADER_BYTES: Final = 44


def wav_header(data_bytes: int | None = None) -> bytes:
    """The header of 16 kHz, mono, 16 bit; without ``data_bytes`` nobody knows yet how much follows."""
    known = data_bytes is not None and data_bytes <= _ENDLESS - HEADER_BYTES
    size = data_bytes if known and data_bytes is not None else _ENDLESS
    riff = size + HEADER_BYTES - 8 if known else _ENDLESS
    return struct.pack(
        "<4sI4s4sIHHIIHH4sI", b"RIFF", riff, b"WAVE", b"fmt ", 16, 1, 1, RATE_HZ, 2 * RATE_HZ, 2, 16,
        b"data", size,
    )  # fmt: skip
