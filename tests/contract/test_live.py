"""Packets of sound: compact, exact, and whatever is none is refused."""

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract import wire
from contract.commands import Command
from contract.errors import ContractError, WireError
from contract.live import CODECS, HEADER_BYTES, LARGEST_BYTES, PACKETS_MS, Listen, SoundPacket
from contract.topics import COMMAND, LIVE, SOUND

packets = st.builds(
    SoundPacket,
    session=st.binary(min_size=4, max_size=4).map(bytes.hex),
    codec=st.sampled_from(CODECS),
    sequence=st.integers(0, 65_535),
    captured_ms=st.integers(0, 2**48 - 1),
    payload=st.binary(max_size=300),
)
LISTEN = Listen(session="0a1b2c3d", codec="15k", packet_ms=40, lease_s=10.0)


@given(packet=packets)
def test_every_packet_survives_the_wire(packet: SoundPacket) -> None:
    content = wire.encode(LIVE, packet)
    assert len(content) == HEADER_BYTES + len(packet.payload)
    assert wire.decode(LIVE, content) == packet


@given(content=st.binary(max_size=40))
def test_every_byte_sequence_is_a_packet_or_refused(content: bytes) -> None:
    try:
        packet = SoundPacket.from_bytes(content)
    except ContractError:
        return
    assert packet.to_bytes() == content


def test_the_largest_packet_fits_its_topics() -> None:
    largest = SoundPacket(
        session="00000000", codec="opus", sequence=0, captured_ms=0, payload=bytes(LARGEST_BYTES)
    )
    for topic in SOUND:
        content = wire.encode(topic, largest)
        assert len(content) == topic.limit_bytes
        with pytest.raises(WireError, match="more than"):
            wire.decode(topic, content + b"\0")


@pytest.mark.parametrize("first", [0x00, 0x15, 0x1F, 0x20, 0xF0])
def test_unknown_versions_and_codecs_are_refused(first: int) -> None:
    with pytest.raises(WireError, match=r"is not known|no codec"):
        wire.decode(LIVE, bytes([first]) + bytes(20))


def test_sound_has_no_identity_that_could_be_acknowledged() -> None:
    assert wire.identity(LIVE, bytes([0x1F]) + bytes(20)) is None
    assert not any(topic.durable or topic.retain or topic.qos for topic in SOUND)


def test_the_order_to_listen_survives_the_wire() -> None:
    order = Command(id="0f" * 16, issued_s=1.0, expires_s=9.0, action="listen", listen=LISTEN)
    assert wire.decode(COMMAND, wire.encode(COMMAND, order)) == order


@pytest.mark.parametrize(
    "changes",
    [
        {"session": "0A1B2C3D"}, {"session": "0a"}, {"codec": "mp3"}, {"packet_ms": 30}, {"packet_ms": 80},
        {"packet_ms": 40.0}, {"lease_s": -1}, {"lease_s": 61}, {"lease_s": float("nan")}, {"extra": 1},
    ],
)  # fmt: skip
def test_no_field_of_the_order_may_lie(changes: dict[str, object]) -> None:
    with pytest.raises(ContractError):
        Listen.from_plain(LISTEN.to_plain() | changes)


def test_the_order_belongs_to_its_command() -> None:
    for action, listen in (("report", LISTEN), ("listen", None)):
        with pytest.raises(ContractError, match="belongs to listen"):
            Command(id="0f" * 16, issued_s=1.0, expires_s=9.0, action=action, listen=listen)
    assert "listen" not in Command(id="0f" * 16, issued_s=1.0, expires_s=9.0, action="report").to_plain()


def test_packets_hold_whole_frames_of_every_profile() -> None:
    assert all(packet_ms % 20 == 0 for packet_ms in PACKETS_MS)
    assert dataclasses.replace(LISTEN, lease_s=0).lease_s == 0
