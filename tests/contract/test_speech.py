"""Voice encode and decode: every codec, every packet length, losses, silence, and whatever bytes come."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from contract.audio import RATE_HZ
from contract.codec.opus import OpusDecoder, opus_is_here
from contract.codec.speech import SILENCE, SpeechEncoder, codecs_here, make_decoder
from contract.errors import CodecError
from contract.live import CODECS, OPUS, PACKETS_MS

Pcm = NDArray[np.int16]

needs_opus = pytest.mark.skipif(not opus_is_here(), reason="needs the extra voice")
EVERY_CODEC = [pytest.param(codec, marks=needs_opus if codec == OPUS else ()) for codec in CODECS]


def a_voice(seconds: float = 1.0) -> Pcm:
    """A tone of 150 Hz with overtones that swells and falls, as vowels do."""
    times = np.arange(round(seconds * RATE_HZ)) / RATE_HZ
    swell = 0.6 - 0.4 * np.cos(2 * np.pi * 3 * times)
    tones = sum(np.sin(2 * np.pi * 150 * n * times) / n for n in range(1, 16))
    return np.asarray(3000 * swell * tones, np.int16)


def loudness(sound: NDArray[Any]) -> float:
    return float(np.sqrt(np.mean(sound.astype(float) ** 2)))


def spectrum(sound: Pcm) -> NDArray[np.float64]:
    """Per band of 250 Hz, dB."""
    power = np.abs(np.fft.rfft(sound.astype(float) * np.hanning(sound.size))) ** 2
    bands = np.array([band.sum() for band in np.array_split(power[: power.size // 4], 8)])
    return np.asarray(10 * np.log10(bands + 1))


@pytest.mark.parametrize("packet_ms", PACKETS_MS)
@pytest.mark.parametrize("codec", EVERY_CODEC)
def test_voice_encode_and_decode(codec: str, packet_ms: int) -> None:
    """What was said is heard: as long, as loud, of the same spectrum."""
    said = a_voice(1.2)
    packets = SpeechEncoder(codec, packet_ms).push(said)
    assert len(packets) == said.size // (16 * packet_ms)
    decoder = make_decoder(codec, packet_ms)
    heard = [decoder.push(packet, 0) for packet in packets]
    assert {part.size for part in heard} == {16 * packet_ms}
    settled = np.concatenate(heard)[RATE_HZ // 5 :]
    assert loudness(settled) == pytest.approx(loudness(said), rel=0.25)
    assert np.abs(spectrum(settled) - spectrum(said[: settled.size])).mean() < 3


@pytest.mark.parametrize("codec", EVERY_CODEC)
def test_streamed_in_any_pieces_it_is_the_same(codec: str) -> None:
    said, pieces = a_voice(0.5), SpeechEncoder(codec, 40)
    whole = SpeechEncoder(codec, 40).push(said)
    cut = [packet for part in np.array_split(said, 37) for packet in pieces.push(part)]
    assert cut == whole


@needs_opus
def test_opus_comes_first_for_a_voice() -> None:
    assert codecs_here() == ("opus", "26k", "15k", "10k", "8k")


@pytest.mark.parametrize("codec", [codec for codec in CODECS if codec != OPUS])
def test_the_low_rate_choice_sends_nothing_in_silence(codec: str) -> None:
    said = np.concatenate([a_voice(0.4), np.zeros(RATE_HZ, np.int16), a_voice(0.4)])
    packets = SpeechEncoder(codec, 20).push(said)
    assert packets.count(SILENCE) > 30
    decoder = make_decoder(codec, 20)
    heard = np.concatenate([decoder.push(packet, 0) for packet in packets])
    assert heard.size == said.size
    assert loudness(heard[: RATE_HZ * 2 // 5]) > 500
    assert loudness(heard[RATE_HZ : RATE_HZ * 13 // 10]) < 20
    assert loudness(heard[-RATE_HZ // 4 :]) > 500


@pytest.mark.parametrize("codec", EVERY_CODEC)
@pytest.mark.parametrize("missing", [1, 2, 5])
def test_lost_packets_are_bridged(codec: str, missing: int) -> None:
    """In their place is sound of their length, and no hole in it."""
    packets = SpeechEncoder(codec, 20).push(a_voice())
    decoder = make_decoder(codec, 20)
    for packet in packets[:20]:
        decoder.push(packet, 0)
    heard = decoder.push(packets[20 + missing], missing)
    assert heard.size == 320 * (1 + missing)
    assert loudness(heard[:320]) > 300
    assert decoder.push(packets[21 + missing], 0).size == 320


@pytest.mark.parametrize("codec", EVERY_CODEC)
def test_what_has_not_come_is_made_up_and_dies_away(codec: str) -> None:
    packets, decoder = SpeechEncoder(codec, 20).push(a_voice()), make_decoder(codec, 20)
    for packet in packets[:25]:
        before = decoder.push(packet, 0)
    made_up = [decoder.conceal() for _ in range(30)]
    assert {part.size for part in made_up} == {320}
    assert loudness(made_up[0]) > loudness(before) / 3
    assert loudness(made_up[-1]) < loudness(before) / 10
    assert decoder.push(packets[25], 0).size == 320


@pytest.mark.parametrize("codec", EVERY_CODEC)
@given(packets=st.lists(st.tuples(st.binary(max_size=60), st.integers(0, 3)), max_size=8))
@settings(max_examples=60, deadline=None)
def test_no_bytes_break_a_stream(codec: str, packets: list[tuple[bytes, int]]) -> None:
    decoder = make_decoder(codec, 20)
    for content, missing in packets:
        try:
            assert decoder.push(content, missing).size == 320 * (1 + missing)
        except CodecError:
            assert decoder.conceal().size == 320


def test_packets_of_another_length_are_refused() -> None:
    """They would be heard too late, and ever later."""
    for codec in codecs_here():
        [packet] = SpeechEncoder(codec, 60).push(a_voice(0.06))
        with pytest.raises(CodecError, match=r"agreed on|too small"):
            make_decoder(codec, 20).push(packet, 0)


@needs_opus
def test_opus_takes_a_lost_packet_from_the_next_one() -> None:
    """A word's beginning was lost: nothing before it tells of it, only the copy in the packet after it."""
    said = np.concatenate([a_voice(0.4) // 50, a_voice(0.4)])
    packets, begins = SpeechEncoder(OPUS, 20).push(said), 20
    copied, made_up = OpusDecoder(20), OpusDecoder(20)
    for packet in packets[:begins]:
        copied.push(packet)
        made_up.push(packet)
    assert loudness(copied.conceal(packets[begins + 1])) > 9 * loudness(made_up.conceal())
