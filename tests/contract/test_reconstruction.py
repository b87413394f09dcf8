import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from contract.audio import HOP_SAMPLES, MEL_BINS, RATE_HZ
from contract.codec.inversion import FULL_SCALE, MelInversion
from contract.codec.mel import mel_weights
from contract.codec.phase import DELAY_HOPS
from contract.codec.reconstruction import Reconstruction, reconstruct
from model_build import frontend
from model_build.frontend_reference import levels_db


def to_features(levels: NDArray[np.float64]) -> NDArray[np.int8]:
    return np.clip(np.round(levels * 2) + 111, -128, 127).astype(np.int8)


def a_glide(seconds: float = 1.0) -> NDArray[np.int16]:
    """Three harmonics that rise, which is what a voice does."""
    t = np.arange(int(seconds * RATE_HZ)) / RATE_HZ
    turns = 150 * t + 60 * t**2
    return (8000 * sum(np.sin(2 * np.pi * k * turns) / k for k in (1, 2, 3))).astype(np.int16)


@settings(max_examples=10, deadline=None)
@given(st.binary(min_size=MEL_BINS, max_size=12 * MEL_BINS))
def test_a_stream_and_the_whole_give_the_same_samples(noise: bytes) -> None:
    frames = np.frombuffer(noise[: len(noise) // MEL_BINS * MEL_BINS], np.int8).reshape(-1, MEL_BINS)
    stream = Reconstruction()
    streamed = np.concatenate([*(stream.push(frame[None]) for frame in frames), stream.finish()])
    whole = reconstruct(frames)
    assert whole.shape == (len(frames) * HOP_SAMPLES,)
    assert (streamed == whole).all()


def test_samples_come_two_hops_after_their_frame() -> None:
    stream, frame = Reconstruction(), np.zeros((1, MEL_BINS), np.int8)
    assert [stream.push(frame).size for _ in range(4)] == [0, 0, HOP_SAMPLES, HOP_SAMPLES]
    assert stream.finish().size == DELAY_HOPS * HOP_SAMPLES


def test_the_constants_are_those_of_the_front_end() -> None:
    assert FULL_SCALE == frontend.FULL_SCALE


def test_magnitudes_have_the_levels_of_the_frame_they_come_from() -> None:
    features = to_features(levels_db(a_glide(), 30.0))
    weights = mel_weights()
    for frame in features[5::9]:
        power = (MelInversion().magnitudes(frame[None])[0].astype(float) / FULL_SCALE) ** 2
        found, wanted = 10 * np.log10(weights @ power + 1e-12), (frame.astype(float) - 111) / 2
        loud = wanted > wanted.max() - 40
        assert np.abs(found - wanted)[loud].mean() < 1.0


def test_sound_comes_back_in_step_with_the_sound_that_was_heard() -> None:
    heard = a_glide()
    again = reconstruct(to_features(levels_db(heard, 30.0)))
    assert again.shape == heard.shape
    before, after = levels_db(heard, 30.0)[3:], levels_db(again, 30.0)[3:]
    loud = before > before.max() - 25
    assert np.abs(before - after)[loud].mean() < 2.0
    power = lambda pcm: (pcm.astype(float) ** 2).mean()  # noqa: E731
    assert 10 * np.log10(power(again) / power(heard)) == pytest.approx(0, abs=1.0)


def test_an_onset_comes_back_where_it_was() -> None:
    heard = np.concatenate([np.zeros(RATE_HZ // 2, np.int16), a_glide(0.5)])
    again = reconstruct(to_features(levels_db(heard, 30.0))).astype(float)
    loudness = np.sqrt(np.convolve(again**2, np.ones(160) / 160, "same"))
    onset = int(np.argmax(loudness > loudness.max() / 4))
    assert onset == pytest.approx(RATE_HZ // 2, abs=HOP_SAMPLES)


def test_silence_stays_silent() -> None:
    assert not reconstruct(np.full((20, MEL_BINS), -128, np.int8)).any()


def test_nothing_gives_nothing() -> None:
    assert reconstruct(np.zeros((0, MEL_BINS), np.int8)).shape == (0,)
