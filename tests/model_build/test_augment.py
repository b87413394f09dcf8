import numpy as np
import pytest

from model_build.augment import Augmenter, coloured, shift, speed, tilted
from model_build.recipe import load_recipe

RECIPE = load_recipe("keywords").augment


@pytest.fixture
def augmenter() -> Augmenter:
    hiss = np.random.default_rng(5).integers(-40, 40, 48_000).astype(np.int16)
    return Augmenter(RECIPE, [hiss], np.random.default_rng(6))


def tone(samples: int = 16_000) -> np.ndarray:
    return (8000 * np.sin(2 * np.pi * 500 * np.arange(samples) / 16_000)).astype(np.int16)


def test_a_varied_sound_is_sound_of_the_same_length_and_never_the_same(augmenter: Augmenter) -> None:
    first, second = augmenter.vary(tone()), augmenter.vary(tone())
    assert first.dtype == second.dtype == np.int16
    assert first.shape == second.shape == (16_000,)
    assert not np.array_equal(first, second)


def test_the_same_seed_draws_the_same() -> None:
    draws = [Augmenter(RECIPE, [], np.random.default_rng(7)).vary(tone()) for _ in range(2)]
    np.testing.assert_array_equal(*draws)


def test_noise_has_the_level_asked_for_however_quiet_the_recording(augmenter: Augmenter) -> None:
    for level in (1e-4, 0.1):
        noise = augmenter.noise(16_000, (level, level))
        assert abs(np.sqrt(np.mean(noise**2)) / level - 1) < 0.01


def test_silence_is_sometimes_nothing_at_all(augmenter: Augmenter) -> None:
    peaks = [int(np.abs(augmenter.silence(1600).astype(int)).max()) for _ in range(60)]
    assert 0 in peaks
    assert max(peaks) > 1000


def test_a_scrambled_word_is_neither_word(augmenter: Augmenter) -> None:
    first, second = tone(), -tone()[::-1] // 2
    for _ in range(10):
        made = augmenter.scramble(first, second)
        assert made.shape == first.shape
        assert not np.array_equal(made, first)
        assert not np.array_equal(made, second)


def test_speed_keeps_the_middle_in_place() -> None:
    wave = np.zeros(1000, np.float32)
    wave[500] = 1.0
    for factor in (0.8, 1.25):
        assert abs(int(speed(wave, factor).argmax()) - 500) <= 1


def test_a_turned_shift_loses_nothing() -> None:
    wave = np.arange(10, dtype=np.float32)
    assert sorted(shift(wave, -3, turn=True)) == sorted(wave)
    assert shift(wave, -3, turn=False).tolist() == [3, 4, 5, 6, 7, 8, 9, 0, 0, 0]


def test_coloured_noise_is_finite() -> None:
    draw = np.random.default_rng(8)
    assert all(np.isfinite(coloured(draw, 16_000)).all() for _ in range(20))


def test_a_tilted_noise_has_another_colour_and_stays_within_the_bound() -> None:
    draw = np.random.default_rng(9)
    wave = draw.normal(size=16_000).astype(np.float32)
    change_db = 20 * np.log10(np.abs(np.fft.rfft(tilted(wave, draw, 12.0)) / np.fft.rfft(wave)))
    assert np.abs(change_db).max() < 12.1
    assert np.ptp(change_db) > 3.0
