"""Sound on its way to somebody who listens or talks: packets of a codec, and the order that asks for them.

Unlike messages, packets are packed, for they come many times a second:

| byte | meaning |
|---|---|
| 0 | version, 1, in the upper four bits; number of the codec in the lower ones |
| 1–4 | session |
| 5–6 | sequence, modulo 65536, big-endian |
| 7–12 | when the last sample in it was captured, milliseconds since 1970, big-endian |
| 13– | one packet of the codec; nothing where silence goes on |
"""

from dataclasses import dataclass
from typing import Final, Self

from contract.checks import hexadecimal, octets, one_of, real, whole
from contract.errors import ContractError
from contract.record import Record, checked

VERSION: Final = 1
CODECS: Final = ("8k", "10k", "15k", "26k", "opus")
"""By number. All but the last are profiles of ``contract.codec``: sound is made again from features."""

OPUS: Final = CODECS[-1]
PACKETS_MS: Final = (20, 40, 60)
"""Sound that a packet may hold: the more, the later it comes, and the less its headers weigh."""

SEQUENCES: Final = 1 << 16
LONGEST_LEASE_S: Final = 60.0
LARGEST_BYTES: Final = 2048
"""More than any packet of any codec takes."""

HEADER_BYTES: Final = 13


@dataclass(frozen=True, slots=True, kw_only=True)
class SoundPacket(Record):
    """A moment of sound."""

    session: str = checked(hexadecimal(8), "whose stream it belongs to: who asked for it chose this")
    codec: str = checked(one_of(*CODECS), "how its sound is said")
    sequence: int = checked(whole(0, SEQUENCES - 1), "0, 1, 2 … within the session, modulo 65536")
    captured_ms: int = checked(
        whole(0, 2**48 - 1), "when the last sample in it was captured, ms since 1970 by the node's clock"
    )
    payload: bytes = checked(octets(LARGEST_BYTES), "one packet of the codec; empty: silence goes on")

    def to_bytes(self) -> bytes:
        """The packet as it travels."""
        return b"".join(
            [
                bytes([VERSION << 4 | CODECS.index(self.codec)]),
                bytes.fromhex(self.session),
                self.sequence.to_bytes(2, "big"),
                self.captured_ms.to_bytes(6, "big"),
                self.payload,
            ]
        )

    @classmethod
    def from_bytes(cls, content: bytes) -> Self:
        """The packet that ``content`` holds; ``ContractError`` if it holds none."""
        if len(content) < HEADER_BYTES:
            raise ContractError(f"a packet has at least {HEADER_BYTES} bytes, not {len(content)}")
        version, codec = content[0] >> 4, content[0] & 0b1111
        if version != VERSION:
            raise ContractError(f"version {version} of packets is not known")
        if codec >= len(CODECS):
            raise ContractError(f"no codec has number {codec}")
        return cls(
            session=content[1:5].hex(),
            codec=CODECS[codec],
            sequence=int.from_bytes(content[5:7], "big"),
            captured_ms=int.from_bytes(content[7:HEADER_BYTES], "big"),
            payload=content[HEADER_BYTES:],
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Listen(Record):
    """Somebody listens: send what is heard now until the lease ends, or another one of the session comes."""

    session: str = checked(hexadecimal(8), "packets carry it; another one begins anew")
    codec: str = checked(one_of(*CODECS), "how the sound shall be said")
    packet_ms: int = checked(whole(min(PACKETS_MS), max(PACKETS_MS)), "sound per packet: 20, 40 or 60 ms")
    lease_s: float = checked(real(0, LONGEST_LEASE_S), "from when the command comes; 0: nobody listens now")

    def __post_init__(self) -> None:
        super(Listen, self).__post_init__()
        if self.packet_ms not in PACKETS_MS:
            raise ContractError(f"packet_ms: must be one of {', '.join(map(str, PACKETS_MS))}")
