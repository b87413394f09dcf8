import hashlib
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from contract.audio import MEL_BINS
from contract.codec.decoder import LONGEST_BRIDGE_MS, Decoder
from contract.codec.encoder import LINGER_MS, SILENCE, Encoder
from contract.codec.packets import LARGEST_BYTES, MOST_FRAMES, read_packet
from contract.codec.prediction import CONTEXTS, SYMBOLS, learned
from contract.codec.profiles import BY_NAME, PROFILES, Profile
from contract.codec.range_coder import TOTAL, RangeDecoder, RangeEncoder
from contract.errors import CodecError

Frames = NDArray[np.int8]

DIGEST = "03fa74cb8eb77a73"
LINGER_FRAMES = LINGER_MS // 20
LONGEST_FRAMES = LONGEST_BRIDGE_MS // 20


def a_voice(frames: int = 40, seed: int = 1) -> Frames:
    """Something between noise and a pure tone: neighbours are near each other, as in sound."""
    noise = np.random.default_rng(seed)
    walk = noise.normal(0, 9, (frames, MEL_BINS)).cumsum(axis=1) / 3 + noise.normal(0, 6, (frames, 1))
    return np.clip(walk + 20, -128, 127).astype(np.int8)


def packets_of(frames: Frames, profile: Profile, **how: int) -> list[bytes]:
    encoder = Encoder(profile, **how)
    made = [*(encoder.push(frame) for frame in frames), encoder.finish()]
    return [packet for packet in made if packet is not None]


def decoded(packets: list[bytes]) -> Frames:
    decoder = Decoder()
    told = [decoder.push(packet) for packet in packets]
    return np.concatenate([part for one in told for part in (one.bridge, one.frames)])


any_frames = st.binary(min_size=MEL_BINS, max_size=12 * MEL_BINS).map(
    lambda drawn: np.frombuffer(drawn[: len(drawn) // MEL_BINS * MEL_BINS], np.int8).reshape(-1, MEL_BINS)
)
tables = st.lists(st.integers(1, 500), min_size=2, max_size=6).map(
    lambda counts: (0, *np.cumsum([*counts, TOTAL - sum(counts)]).tolist())
)


@given(tables, st.lists(st.integers(0, 5), max_size=300), st.integers(0, 255))
def test_numbers_come_back_in_few_bytes(table: tuple[int, ...], drawn: list[int], plain: int) -> None:
    numbers = [number % (len(table) - 1) for number in drawn]
    encoder = RangeEncoder()
    for number in numbers:
        encoder.encode(table, number)
    encoder.encode_plain(8, plain)
    content = encoder.finish()
    decoder = RangeDecoder(content)
    assert [decoder.decode(table) for _ in numbers] == numbers
    assert decoder.decode_plain(8) == plain
    decoder.finish()
    ideal_bits = 8 - sum(np.log2((table[number + 1] - table[number]) / TOTAL) for number in numbers)
    assert len(content) <= ideal_bits / 8 * 1.01 + 3


@pytest.mark.parametrize("frames_per_s", [50, 100])
def test_the_tables_are_whole(frames_per_s: int) -> None:
    models = learned(frames_per_s)
    assert len(models.typical) == MEL_BINS
    for model in (models.key, models.following):
        assert len(model.tables) == CONTEXTS
        for table in model.tables:
            assert len(table) == SYMBOLS + 1
            assert (table[0], table[-1]) == (0, TOTAL)
            assert all(low < high for low, high in pairwise(table)), "every symbol can be said"


@settings(max_examples=40, deadline=None)
@given(any_frames, st.sampled_from(PROFILES), st.integers(1, MOST_FRAMES), st.integers(1, 4))
def test_values_come_back_within_half_a_step(
    frames: Frames, profile: Profile, frames_per_packet: int, packets_per_key: int
) -> None:
    how = {"frames_per_packet": frames_per_packet, "packets_per_key": packets_per_key}
    again = decoded(packets_of(frames, profile, **how))
    # Silence at the end is not sent.
    off = np.abs(again.astype(int) - frames[: len(again)])
    assert (off <= np.array(profile.steps) // 2).all()
    assert (frames[len(again) :] < SILENCE).all()


def test_the_exact_profile_changes_nothing_and_still_saves_bytes() -> None:
    frames = a_voice()
    packets = packets_of(frames, BY_NAME["exact"])
    assert (decoded(packets) == frames).all()
    assert sum(map(len, packets)) < 0.7 * frames.size, "noise is hard to foresee, and yet"


def test_bytes_are_the_same_on_every_machine() -> None:
    """A digest that was computed once: whoever changes it breaks what nodes of before say."""
    digest = hashlib.sha256()
    for profile in PROFILES:
        for packet in packets_of(a_voice_in_whole_numbers(), profile, packets_per_key=3):
            digest.update(packet)
    assert digest.hexdigest()[:16] == DIGEST


def a_voice_in_whole_numbers() -> Frames:
    frame, bin_ = np.mgrid[:30, :MEL_BINS].astype(np.int64)
    return ((frame * frame * 7 + bin_ * bin_ * 3 + frame * bin_) % 61 - 20 - bin_ // 2).astype(np.int8)


def test_what_is_silent_is_not_sent_but_counted() -> None:
    voice, silence = a_voice(9), np.full((100, MEL_BINS), SILENCE - 1, np.int8)
    packets = packets_of(np.concatenate([voice, silence, voice]), BY_NAME["exact"])
    told = [read_packet(packet) for packet in packets]
    assert sum(one.frames for one in told) == 9 + LINGER_FRAMES + 9
    [ends] = [one for one in told[:-1] if one.pause]
    follows = told[told.index(ends) + 1]
    assert follows.key
    assert follows.number == 109
    decoder = Decoder()
    heard = [decoder.push(packet) for packet in packets][told.index(follows)]
    assert (heard.missing, heard.paused) == (100 - LINGER_FRAMES, True)
    assert (heard.bridge == -128).all()


def test_lost_packets_are_bridged() -> None:
    frames = a_voice(30)
    packets = packets_of(frames, BY_NAME["exact"])
    del packets[4]
    again = decoded(packets)
    assert again.shape == frames.shape
    assert (again[:12] == frames[:12]).all()
    assert (again[15:] == frames[15:]).all()
    low, high = np.minimum(frames[11], frames[15]), np.maximum(frames[11], frames[15])
    assert ((again[12:15] >= low) & (again[12:15] <= high)).all()


def test_a_long_loss_is_not_invented() -> None:
    packets = packets_of(a_voice(90), BY_NAME["7k"])
    decoder = Decoder()
    decoder.push(packets[0])
    heard = decoder.push(packets[20])
    assert heard.missing == 57
    assert heard.bridge.shape == (LONGEST_FRAMES, MEL_BINS)
    assert (heard.bridge == -128).all()


def test_packets_that_hang_on_a_lost_one_wait_for_the_next_key() -> None:
    frames = a_voice(45)
    packets = packets_of(frames, BY_NAME["exact"], packets_per_key=5)
    decoder = Decoder()
    told = [decoder.push(packet) for number, packet in enumerate(packets) if number != 6]
    assert [len(one.frames) for one in told[6:9]] == [0, 0, 0]
    assert (told[9].missing, len(told[9].frames)) == (12, 3)
    assert (told[9].frames == frames[30:33]).all()


def test_late_and_repeated_packets_are_dropped() -> None:
    packets = packets_of(a_voice(30), BY_NAME["7k"])
    decoder = Decoder()
    counts = [len(decoder.push(packets[index]).frames) for index in (0, 1, 1, 0, 3, 2, 4)]
    assert counts == [3, 3, 0, 0, 3, 0, 3]


def test_numbers_begin_anew_without_a_seam() -> None:
    voice = np.repeat(a_voice(1), 3, axis=0)
    encoder, decoder = Encoder(BY_NAME["7k"]), Decoder()
    encoder._number = 65_533
    for _ in range(3):
        packet = [encoder.push(frame) for frame in voice][-1]
        assert packet is not None
        assert decoder.push(packet).missing == 0
    assert read_packet(packet).number == 3


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=600))
@example(b"")
@example(b"\x00" * LARGEST_BYTES)
@example(b"\xff" * 40)
def test_no_bytes_break_the_decoder(content: bytes) -> None:
    decoder = Decoder()
    decoder.push(packets_of(a_voice(3), BY_NAME["7k"])[0])
    try:
        told = decoder.push(content)
    except CodecError:
        return
    assert told.frames.dtype == np.int8
    assert len(told.frames) <= MOST_FRAMES


@pytest.mark.parametrize("seed", range(4))
def test_no_mutation_breaks_the_decoder_or_what_comes_after_it(seed: int) -> None:
    noise = np.random.default_rng(seed)
    frames = a_voice(24, seed)
    packets = packets_of(frames, PROFILES[seed % len(PROFILES)], packets_per_key=2)
    for _ in range(60):
        decoder, victim = Decoder(), int(noise.integers(len(packets)))
        for number, packet in enumerate(packets):
            hit = bytearray(packet)
            if number == victim:
                for _ in range(int(noise.integers(1, 4))):
                    hit[int(noise.integers(len(hit)))] = int(noise.integers(256))
                hit = hit[: int(noise.integers(len(hit) + 1))] if noise.random() < 0.3 else hit
            try:
                told = decoder.push(bytes(hit))
            except CodecError:
                continue
            assert told.frames.shape[1:] == (MEL_BINS,)


def test_a_packet_that_is_refused_leaves_no_trace() -> None:
    packets = packets_of(a_voice(12), BY_NAME["exact"], packets_per_key=2)
    clean, troubled = Decoder(), Decoder()
    for packet in packets:
        with pytest.raises(CodecError):
            troubled.push(packet + b"\x01" * 9)
        told, expected = troubled.push(packet), clean.push(packet)
        assert (told.frames == expected.frames).all()
        assert told.missing == expected.missing


def test_an_encoder_is_asked_for_what_packets_can_hold() -> None:
    with pytest.raises(ValueError, match="1 to 8 frames"):
        Encoder(PROFILES[0], frames_per_packet=9)


def test_a_key_packet_of_another_rate_begins_a_new_stream() -> None:
    stored, finer = packets_of(a_voice(6), BY_NAME["7k"]), packets_of(a_voice(6), BY_NAME["15k"])
    decoder = Decoder()
    told = [decoder.push(packet) for packet in (*stored, finer[1], finer[0])]
    assert [(one.missing, len(one.frames)) for one in told] == [(0, 3), (0, 3), (0, 3), (0, 0)]
