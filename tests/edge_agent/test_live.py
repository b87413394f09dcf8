"""Live listening on the node: only while a lease runs, never late, and never unseen."""

import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.codec.decoder import Decoder
from contract.codec.opus import OpusDecoder, opus_is_here
from contract.live import LONGEST_LEASE_S, Listen, SoundPacket
from edge_agent.capture import Block
from edge_agent.live import Broadcast, Indicator, codecs
from edge_agent.live.encoding import make_encoder
from edge_agent.live.indicator import IndicatorError
from edge_agent.live.leases import MOST_SESSIONS, Leases, ordered, running
from tests.edge_agent.conftest import noise
from tests.waiting import wait_until

HOP = 320
orders = st.lists(
    st.tuples(st.sampled_from("abcde"), st.integers(0, 50), st.floats(0, 60), st.floats(0, 200)), max_size=40
)


def listen(name: str = "a", lease_s: float = 10.0, codec: str = "15k", packet_ms: int = 20) -> Listen:
    return Listen(session=name * 8, codec=codec, packet_ms=packet_ms, lease_s=lease_s)


@given(orders)
def test_leases_are_few_and_end_by_themselves(given_orders: list[tuple[str, int, float, float]]) -> None:
    leases: Leases = {}
    now_s = 0.0
    for name, issued, lease_s, passed_s in given_orders:
        now_s += passed_s
        leases = ordered(leases, listen(name, lease_s), issued, now_s)
        assert len(running(leases, now_s)) <= MOST_SESSIONS
    assert not running(leases, now_s + LONGEST_LEASE_S)


def test_a_repeated_order_does_not_bring_a_lease_back_that_was_ended() -> None:
    leases = ordered({}, listen(), 1.0, 0.0)
    leases = ordered(leases, listen(lease_s=0.0), 2.0, 1.0)
    assert not running(ordered(leases, listen(), 1.0, 1.1), 1.1)
    assert running(ordered(leases, listen(), 3.0, 1.1), 1.1)


def test_packets_hold_what_the_codec_makes_of_the_sound() -> None:
    sound = noise(2.0)
    encoder, decoder = make_encoder("15k", 20), Decoder()
    packets = [
        one for at in range(0, len(sound), HOP) for one in encoder.push(sound[at : at + HOP], at / 16_000)
    ]
    frames = np.concatenate([decoder.push(one.payload).frames for one in packets])
    assert len(frames) == 200
    # The last sample of each packet was captured when its block was, or a frame before that.
    assert [one.captured_s for one in packets] == pytest.approx(
        [at / 16_000 for at in range(0, len(sound), HOP)]
    )


@given(st.lists(st.integers(1, 900), min_size=1, max_size=30))
def test_the_length_of_blocks_changes_neither_packets_nor_their_times(lengths: list[int]) -> None:
    sound = noise(sum(lengths) / 16_000 + 0.1)[: sum(lengths)]
    whole, pieces = make_encoder("8k", 40), make_encoder("8k", 40)
    expected = list(whole.push(sound, len(sound) / 16_000))
    found, at = [], 0
    for length in lengths:
        at += length
        found += pieces.push(sound[at - length : at], at / 16_000)
    assert [one.payload for one in found] == [one.payload for one in expected]
    assert [one.captured_s for one in found] == pytest.approx([one.captured_s for one in expected])


def test_silence_takes_next_to_nothing_but_is_told() -> None:
    encoder = make_encoder("15k", 20)
    list(encoder.push(noise(0.5), 0.5))
    sent = list(encoder.push(np.zeros(16_000 * 10, np.int16), 10.5))
    still = [one for one in sent if not one.payload]
    assert 15 <= len(still) <= 20
    # What else comes is the end of the sound, and a word of the pause.
    assert len(sent) - len(still) < 20


@pytest.mark.skipif(not opus_is_here(), reason="needs the extra voice")
def test_opus_comes_as_it_is_even_in_silence() -> None:
    encoder, decoder = make_encoder("opus", 20), OpusDecoder(20)
    sound = noise(1.0)
    packets = list(encoder.push(sound, 1.0))
    assert len(packets) == 50
    assert packets[-1].captured_s == pytest.approx(1.0)
    heard = np.concatenate([decoder.push(one.payload) for one in packets]).astype(float)
    assert heard.std() == pytest.approx(sound.std(), rel=0.3)


def test_opus_is_sent_only_where_the_owner_allows_it() -> None:
    assert "opus" not in codecs(opus=False)
    assert ("opus" in codecs(opus=True)) == opus_is_here()


class Line:
    """Where packets go; as slow as a test wants."""

    def __init__(self) -> None:
        self.packets: list[SoundPacket] = []
        self.open = True

    def send(self, packet: SoundPacket) -> bool:
        if self.open:
            self.packets.append(packet)
        return self.open


@contextmanager
def broadcast(line: Line, indicator: Indicator | None = None) -> Iterator[Broadcast]:
    made = Broadcast(codecs(opus=False), line.send, indicator or Indicator())
    made.start()
    try:
        yield made
    finally:
        made.stop(5)


def hear(made: Broadcast, line: Line, packets: int) -> None:
    """Sound, until so many packets have come."""
    sound = noise(1.0)

    def enough() -> bool:
        for at in range(0, 3200, HOP):
            made.hear(Block(samples=sound[at : at + HOP], captured_s=time.time()))
        return len(line.packets) >= packets

    wait_until(enough, f"{packets} packets")


def test_nothing_leaves_the_node_unless_somebody_listens() -> None:
    line = Line()
    with broadcast(line) as made:
        for _ in range(50):
            made.hear(Block(samples=noise(0.02), captured_s=time.time()))
        made.order(listen(codec="opus"), 1.0)  # which the owner has not allowed
        made.order(listen("b"), 1.0)
        hear(made, line, 10)
    assert {packet.session for packet in line.packets} == {"b" * 8}
    assert [packet.sequence for packet in line.packets] == list(range(len(line.packets)))


def test_it_ends_with_the_lease() -> None:
    line = Line()
    with broadcast(line) as made:
        made.order(listen(), 1.0)
        hear(made, line, 5)
        made.order(listen(lease_s=0.0), 2.0)
        made.order(listen("b", packet_ms=40), 2.0)
        hear(made, line, len(line.packets) + 40)
    sessions = [packet.session for packet in line.packets]
    assert "a" * 8 not in sessions[sessions.index("b" * 8) :]


def test_what_a_slow_line_does_not_take_is_dropped_and_missed() -> None:
    line = Line()
    with broadcast(line) as made:
        made.order(listen(), 1.0)
        hear(made, line, 5)
        line.open = False
        before = len(line.packets)
        for _ in range(20):
            made.hear(Block(samples=noise(0.02), captured_s=time.time()))
        wait_until(lambda: made._line.empty(), "the sound to be dropped")
        line.open = True
        hear(made, line, before + 3)
    assert line.packets[before].sequence > line.packets[before - 1].sequence + 1


def test_people_beside_the_node_see_that_somebody_listens(tmp_path: Path) -> None:
    pin, diary = tmp_path / "value", tmp_path / "diary"
    program = tmp_path / "lamp"
    program.write_text(f'#!/bin/sh\necho "$@" >> {diary}\n')
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    line = Line()
    with broadcast(line, Indicator(pin, (str(program), "red lamp"))) as made:
        assert pin.read_text() == "0\n"
        made.order(listen(), 1.0)
        hear(made, line, 1)
        assert pin.read_text() == "1\n"
        made.order(listen(lease_s=0.0), 2.0)
        wait_until(lambda: pin.read_text() == "0\n", "the light to go out")
        made.order(listen(), 3.0)
        hear(made, line, len(line.packets) + 1)
    assert pin.read_text() == "0\n"
    assert diary.read_text().splitlines() == [
        f"red lamp {word}" for word in ("off", "on", "off", "on", "off")
    ]


def test_nobody_listens_unseen(tmp_path: Path) -> None:
    pin = tmp_path / "folder" / "value"
    pin.parent.mkdir()
    line = Line()
    with broadcast(line, Indicator(pin)) as made:
        pin.unlink()
        pin.parent.rmdir()
        made.order(listen(), 1.0)
        wait_until(lambda: made._line.empty(), "the order to be taken")
        for _ in range(20):
            made.hear(Block(samples=noise(0.02), captured_s=time.time()))
        assert not line.packets
        pin.parent.mkdir()
        made.order(listen(), 2.0)
        hear(made, line, 1)
    broken = Broadcast((), line.send, Indicator(program=("/no/such/lamp",)))
    with pytest.raises(IndicatorError, match="does not work"):
        broken.start()
