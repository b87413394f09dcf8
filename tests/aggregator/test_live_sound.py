"""From a node's packets to sound: reconstruction, loss, pauses, and whatever else may come."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from aggregator.services.live_sound import Heard, SoundStream
from contract.codec.decoder import Decoder
from contract.codec.opus import opus_is_here
from contract.codec.profiles import FINE_RATE
from contract.codec.reconstruction import reconstruct
from contract.errors import CodecError
from contract.live import CODECS, SoundPacket
from edge_agent.live.encoding import make_encoder

Pcm = NDArray[np.int16]
HOP = 320


def noise(seconds: float) -> Pcm:
    return np.random.default_rng(1).normal(0, 2000, round(seconds * 16_000)).astype(np.int16)


def packets(
    sound: Pcm, codec: str = "15k", packet_ms: int = 20, begun_s: float = 1000.0
) -> list[SoundPacket]:
    """What a node sends of ``sound``."""
    encoder = make_encoder(codec, packet_ms)
    sent = [
        one
        for at in range(0, len(sound), HOP)
        for one in encoder.push(sound[at : at + HOP], begun_s + (at + HOP) / 16_000)
    ]
    return [
        SoundPacket(
            session="0" * 8, codec=codec, sequence=number, captured_ms=round(one.captured_s * 1000),
            payload=one.payload,
        )
        for number, one in enumerate(sent)
    ]  # fmt: skip


def hear(sent: list[SoundPacket], codec: str = "15k", packet_ms: int = 20) -> list[Heard]:
    stream, heard, due = SoundStream(codec, packet_ms), [], 0
    for packet in sent:
        if (one := stream.push(packet, packet.sequence - due)) is not None:
            heard.append(one)
        due = packet.sequence + 1
    return heard


def laid_out(heard: list[Heard]) -> Pcm:
    """Every sample in its place."""
    whole = np.zeros(max(one.position + len(one.samples) for one in heard), np.int16)
    for one in heard:
        whole[one.position : one.position + len(one.samples)] = one.samples
    return whole


@pytest.mark.parametrize(("codec", "packet_ms"), [("8k", 20), ("10k", 60), ("15k", 40), ("26k", 20)])
def test_live_sound_is_what_the_whole_would_be(codec: str, packet_ms: int) -> None:
    sent = packets(noise(2.0), codec, packet_ms)
    heard = hear(sent, codec, packet_ms)
    decoder = Decoder()
    frames = np.concatenate([decoder.push(packet.payload).frames for packet in sent])
    found = laid_out(heard)
    assert len(found) > 30_000
    np.testing.assert_array_equal(found, reconstruct(frames, FINE_RATE)[: len(found)])
    assert all(one.position == before.position + len(before.samples) for before, one in pairwise(heard))


def test_each_piece_says_when_it_was_captured() -> None:
    for one in hear(packets(noise(1.0))):
        assert one.captured_s == pytest.approx(1000 + (one.position + len(one.samples)) / 16_000, abs=0.002)


def test_lost_packets_are_bridged_and_told() -> None:
    sent = packets(noise(2.0))
    lossy = [packet for packet in sent if packet.sequence % 10 not in (3, 4)]
    heard = hear(lossy)
    assert sum(one.concealed for one in heard) == 20 * HOP
    levels = np.abs(laid_out(heard)[1600:28_160].astype(float)).reshape(-1, HOP).mean(1)
    # A hole would be silent; what stands in for it is about as loud as the rest.
    assert levels.min() > levels.mean() / 2


def test_a_pause_is_as_long_as_it_was() -> None:
    sound = np.concatenate([noise(1.0), np.zeros(16_000 * 3, np.int16), noise(1.0)])
    heard = hear(packets(sound))
    found = np.abs(laid_out(heard).astype(float))
    assert sum(one.quiet for one in heard) >= 5
    loud = np.flatnonzero(found > 1000)
    begins = loud[np.flatnonzero(np.diff(loud) > 16_000)[0] + 1]
    assert begins == pytest.approx(4 * 16_000, abs=320)
    assert sum(one.concealed for one in heard) == 0


def test_sound_goes_on_after_a_silence_in_which_the_codec_counts_around() -> None:
    """Frames are numbered modulo 65536: eleven minutes."""
    encoder = make_encoder("15k", 20)
    sent, clock_s = [], 0.0
    for sound in (noise(0.5), np.zeros(16_000 * 400, np.int16), noise(0.5)):
        clock_s += len(sound) / 16_000
        sent += list(encoder.push(sound, clock_s))
    stream = SoundStream("15k", 20)
    heard = []
    for number, one in enumerate(sent):
        packet = SoundPacket(
            session="0" * 8, codec="15k", sequence=number, captured_ms=round(one.captured_s * 1000),
            payload=one.payload,
        )  # fmt: skip
        heard.append(stream.push(packet, 0))
    last = heard[-1]
    assert last is not None
    assert last.position == pytest.approx(400.9 * 16_000, abs=3200)
    assert np.abs(last.samples).max() > 500


@pytest.mark.skipif(not opus_is_here(), reason="needs the extra voice")
def test_opus_comes_as_it_was_and_conceals_what_was_lost() -> None:
    sound = noise(2.0)
    whole = laid_out(hear(packets(sound, "opus"), "opus"))
    assert len(whole) == len(sound)
    sent = packets(sound, "opus")
    lossy = hear([packet for packet in sent if packet.sequence % 10 != 5], "opus")
    assert len(laid_out(lossy)) == len(sound)
    assert sum(one.concealed for one in lossy) == 10 * HOP


contents = st.binary(max_size=60) | st.builds(
    lambda head, rest: bytes([head]) + rest, st.integers(8, 60), st.binary(max_size=60)
)


@given(
    st.sampled_from(CODECS),
    st.lists(st.tuples(contents, st.integers(0, 2**40), st.integers(0, 9)), max_size=12),
)
def test_whatever_comes_is_sound_or_refused(codec: str, sent: list[tuple[bytes, int, int]]) -> None:
    if codec == "opus" and not opus_is_here():
        return
    stream, end = SoundStream(codec, 20), 0
    for number, (payload, captured_ms, lost) in enumerate(sent):
        packet = SoundPacket(
            session="0" * 8, codec=codec, sequence=number, captured_ms=captured_ms, payload=payload
        )
        try:
            heard = stream.push(packet, lost)
        except CodecError:
            continue
        if heard is not None:
            assert heard.position >= end
            end = heard.position + len(heard.samples)
