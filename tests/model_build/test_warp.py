import numpy as np
import pytest

from contract.audio import MEL_BINS
from model_build.mel import mel_edges_hz
from model_build.warp import warped

CENTRES_HZ = mel_edges_hz()[1:-1]


def test_a_factor_of_one_changes_nothing() -> None:
    frames = np.random.default_rng(1).integers(-128, 127, (3, 8, MEL_BINS)).astype(np.float32)
    np.testing.assert_allclose(warped(frames, np.ones(3)), frames, atol=1e-3)


@pytest.mark.parametrize("factor", [0.85, 0.95, 1.05, 1.2])
def test_a_peak_moves_to_the_stretched_frequency(factor: float) -> None:
    frames = np.zeros((1, 1, MEL_BINS), np.float32)
    frames[..., 45] = 1.0
    found_hz = CENTRES_HZ[warped(frames, np.array([factor])).argmax()]
    assert abs(found_hz / (CENTRES_HZ[45] * factor) - 1.0) < 0.03


def test_each_example_has_its_own_factor_and_stays_within_its_levels() -> None:
    frames = np.repeat(np.random.default_rng(2).uniform(-128, 127, (1, 5, MEL_BINS)), 2, axis=0)
    made = warped(frames.astype(np.float32), np.array([0.9, 1.1]))
    assert not np.allclose(made[0], made[1])
    assert made.min() >= frames.min() - 1e-3
    assert made.max() <= frames.max() + 1e-3
