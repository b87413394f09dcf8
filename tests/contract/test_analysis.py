import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from contract.audio import HOP_SAMPLES, RATE_HZ
from contract.codec.analysis import FineAnalysis
from contract.codec.profiles import FINE_RATE
from contract.codec.reconstruction import Reconstruction, reconstruct
from model_build.frontend_reference import levels_db


def a_sound(seconds: float = 0.5) -> NDArray[np.int16]:
    noise = np.random.default_rng(3)
    t = np.arange(int(seconds * RATE_HZ)) / RATE_HZ
    return (6000 * np.sin(2 * np.pi * (200 * t + 300 * t**2)) + noise.normal(0, 40, t.size) + 900).astype(
        np.int16
    )


def test_each_second_frame_is_that_of_the_front_end_before_suppression() -> None:
    pcm = a_sound()
    finer = FineAnalysis().push(pcm)
    assert len(finer) == 2 * pcm.size // HOP_SAMPLES
    expected = np.rint(levels_db(pcm, 30.0) * 2) + 111
    assert np.abs(finer[1::2] - expected).max() <= 1


@settings(max_examples=10, deadline=None)
@given(st.lists(st.integers(0, 900), max_size=12))
def test_a_stream_and_the_whole_give_the_same_frames(cuts: list[int]) -> None:
    pcm = a_sound(0.2)
    parts = np.split(pcm, np.minimum(np.cumsum(cuts, dtype=int), pcm.size)) if cuts else [pcm]
    stream = FineAnalysis()
    assert (np.concatenate([stream.push(part) for part in parts]) == FineAnalysis().push(pcm)).all()


@pytest.mark.parametrize("sizes", [(1, 2, 3, 4), (10,), (3, 3, 3, 1)])
def test_finer_frames_become_sound_however_they_come(sizes: tuple[int, ...]) -> None:
    frames = FineAnalysis().push(a_sound(0.1))
    stream, whole = Reconstruction(FINE_RATE), reconstruct(frames, FINE_RATE)
    parts = np.split(frames, np.cumsum(sizes)[:-1])
    assert (np.concatenate([*(stream.push(part) for part in parts), stream.finish()]) == whole).all()
    assert whole.size == len(frames) // 2 * HOP_SAMPLES


def test_the_finer_tensor_gives_the_better_sound() -> None:
    pcm = a_sound(1.0)
    finer = reconstruct(FineAnalysis().push(pcm), FINE_RATE)
    stored = reconstruct(FineAnalysis().push(pcm)[1::2])
    before = levels_db(pcm, 30.0)[4:]
    loud = before > before.max() - 30

    def off(again: NDArray[np.int16]) -> float:
        return float(np.abs(levels_db(again, 30.0)[4:] - before)[loud].mean())

    assert off(finer) < off(stored) < 3
