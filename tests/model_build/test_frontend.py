"""preprocess.tflite as it lies in the shipped bundles, run by the node's runtime."""

import numpy as np
import pytest
from numpy.typing import NDArray

from contract.audio import HOP_SAMPLES
from contract.bundle import Bundle
from contract.manifest import PREPROCESS
from model_build.export import FRONTEND_OPS, export_frontend
from model_build.flatbuffer import op_names
from model_build.frontend_reference import features_db, levels_db, to_db
from model_build.parity import probes
from model_build.recipe import FrontendRecipe, load_recipe
from model_build.runtime import Frontend

SETTLED = 10
"""Frames after which the high-pass has forgotten a stream's start."""


@pytest.fixture
def frontend(bundle: Bundle) -> Frontend:
    return Frontend(bundle.files[PREPROCESS])


@pytest.fixture
def recipe(bundle: Bundle) -> FrontendRecipe:
    return load_recipe(bundle.manifest.recipe).frontend


@pytest.mark.parametrize("name", sorted(probes()))
def test_it_computes_what_the_float64_reference_computes(
    frontend: Frontend, recipe: FrontendRecipe, name: str
) -> None:
    """Half a step (0.25 dB) is rounding; a tenth more comes from the int8 mel weights."""
    pcm = probes()[name]
    expected = np.clip(features_db(pcm, recipe), -119.5, 8.0)
    assert np.abs(to_db(frontend.features(pcm)) - expected).max() < 0.35


def test_full_scale_is_not_clipped(frontend: Frontend) -> None:
    time_s = np.arange(16_000) / 16_000
    for hz in (110.0, 440.0, 1000.0, 3500.0):
        square = np.where(np.sin(2 * np.pi * hz * time_s) >= 0, 32767, -32768).astype(np.int16)
        assert frontend.features(square).max() < 127


def test_a_full_scale_sine_in_a_bin_is_0_db(frontend: Frontend) -> None:
    sine = np.round(32767 * np.sin(2 * np.pi * 1000.0 * np.arange(8000) / 16_000)).astype(np.int16)
    assert abs(to_db(frontend.features(sine))[5:].max()) < 1.5


def test_quiet_sound_is_not_lost(frontend: Frontend, recipe: FrontendRecipe) -> None:
    features = frontend.features(probes()["quiet"])
    assert (features[SETTLED:] > -128).mean() > 0.99
    unsuppressed = levels_db(probes()["quiet"], recipe.high_pass_hz)
    lowered = unsuppressed - to_db(features)
    assert lowered[SETTLED:].max() <= recipe.suppression_db + 0.35


def test_an_offset_makes_no_difference_once_the_high_pass_has_settled(frontend: Frontend) -> None:
    noise = np.random.default_rng(1).normal(0, 300, 32_000)
    plain = to_db(frontend.features(np.round(noise).astype(np.int16)))
    offset = to_db(frontend.features(np.round(noise + 0.2 * 32768).astype(np.int16)))
    assert np.abs(plain - offset)[SETTLED:].mean() < 0.1
    steady = frontend.features(np.full(16_000, round(0.2 * 32768), np.int16))
    assert (steady[2 * SETTLED :] == -128).all()


def test_a_fresh_stream_is_not_suppressed(frontend: Frontend, recipe: FrontendRecipe) -> None:
    pcm = np.round(np.random.default_rng(2).normal(0, 1000, 16_000)).astype(np.int16)
    unsuppressed = levels_db(pcm, recipe.high_pass_hz)
    assert np.abs(to_db(frontend.features(pcm)) - unsuppressed).max() < 0.35


def test_steady_noise_is_lowered_by_the_bound_and_no_more(frontend: Frontend, recipe: FrontendRecipe) -> None:
    pcm = np.round(np.random.default_rng(3).normal(0, 30, 30 * 16_000)).astype(np.int16)
    lowered = levels_db(pcm, recipe.high_pass_hz) - to_db(frontend.features(pcm))
    assert lowered.max() <= recipe.suppression_db + 0.35
    assert lowered[-100:].mean() > 0.3 * recipe.suppression_db


def test_a_stream_is_the_same_however_it_is_cut(frontend: Frontend) -> None:
    pcm = probes()["uneven"]
    whole = frontend.features(pcm)
    np.testing.assert_array_equal(whole, frontend.features(pcm))
    np.testing.assert_array_equal(whole[:30], frontend.features(pcm[: 30 * HOP_SAMPLES + 100]))


def test_it_consists_of_what_both_runtimes_have(bundle: Bundle) -> None:
    assert set(op_names(bundle.files[PREPROCESS])) <= FRONTEND_OPS


@pytest.mark.slow
def test_the_recipe_still_makes_the_front_end_of_the_shipped_bundle(
    bundle: Bundle, recipe: FrontendRecipe
) -> None:
    assert export_frontend(recipe) == bundle.files[PREPROCESS]


def test_frames_follow_the_sound_by_one_hop_each(frontend: Frontend) -> None:
    pcm: NDArray[np.int16] = np.zeros(10 * HOP_SAMPLES, np.int16)
    pcm[5 * HOP_SAMPLES + 160 :] = 8000
    pcm[5 * HOP_SAMPLES + 160 :: 2] = -8000
    features = frontend.features(pcm)
    assert features.shape == (10, 80)
    assert (features[:5] == -128).all()
    assert features[5].max() > 0
