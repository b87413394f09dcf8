"""Dynamic time warping and what it is used for."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from model_build.compare.dtw import frame_distances, medoids, warped_distances

LENGTH = 6
SEQUENCES = arrays(np.float32, (2, LENGTH, 3), elements=st.floats(-10, 10, width=32))


def slow(first: np.ndarray, second: np.ndarray, band: int) -> float:
    """The recursion as the books have it, one cell after the other."""
    total = np.full((LENGTH, LENGTH), np.inf)
    for i in range(LENGTH):
        for j in range(LENGTH):
            if abs(i - j) > band:
                continue
            here = float(np.linalg.norm(first[i].astype(float) - second[j].astype(float)))
            before = [2 * here] if i == j == 0 else []
            before += [total[i - 1, j] + here] if i else []
            before += [total[i, j - 1] + here] if j else []
            before += [total[i - 1, j - 1] + 2 * here] if i and j else []
            total[i, j] = min(before)
    return float(total[-1, -1]) / (2 * LENGTH)


@given(SEQUENCES, st.integers(0, LENGTH))
@settings(max_examples=50)
def test_it_finds_the_best_path(pair: np.ndarray, band: int) -> None:
    found = warped_distances(pair[:1], pair[1:], band)[0, 0]
    assert found == pytest.approx(slow(pair[0], pair[1], band), rel=1e-3, abs=1e-2)


@given(SEQUENCES, st.integers(0, LENGTH))
@settings(max_examples=50)
def test_it_is_a_symmetric_distance(pair: np.ndarray, band: int) -> None:
    apart = warped_distances(pair, pair, band)
    assert np.allclose(apart, apart.T, atol=1e-3)
    assert np.all(apart >= 0)
    # The distance of equal frames is a difference of squares that rounding keeps from being zero.
    assert np.all(np.diag(apart) <= 0.05)


@given(SEQUENCES)
@settings(max_examples=50)
def test_a_wider_band_never_lengthens_the_path(pair: np.ndarray) -> None:
    widths = [float(warped_distances(pair[:1], pair[1:], band)[0, 0]) for band in range(LENGTH)]
    assert all(wide <= narrow + 1e-4 for narrow, wide in pairwise(widths))


def test_what_comes_a_little_later_is_near() -> None:
    one = np.zeros((1, 12, 1), np.float32)
    one[0, 4:6] = 5.0
    later = np.roll(one, 2, axis=1)
    other = -one
    assert warped_distances(one, later, 3)[0, 0] == 0.0
    assert warped_distances(one, other, 3)[0, 0] > 0.5


def test_frames_are_compared_each_with_each() -> None:
    first, second = np.zeros((2, 4, 3), np.float32), np.ones((5, 4, 3), np.float32)
    apart = frame_distances(first, second)
    assert apart.shape == (2, 5, 4, 4)
    assert np.allclose(apart, np.sqrt(3.0))


def test_medoids_stand_for_their_groups() -> None:
    values = np.array([0.0, 0.1, 0.2, 9.0, 9.1, 9.2])
    apart = np.abs(values[:, None] - values[None, :]).astype(np.float32)
    chosen = medoids(apart, 2)
    assert {value > 5 for value in values[chosen]} == {False, True}
    assert len(medoids(apart, 99)) == 6
