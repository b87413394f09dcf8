"""preprocess.tflite as it lies in the shipped bundles, run by the node's runtime."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from contract.audio import HOP_SAMPLES
from contract.bundle import Bundle
from contract.manifest import PREPROCESS
from model_build.convert import convert_frontend
from model_build.export import FRONTEND_OPS, export_frontend
from model_build.flatbuffer import op_names
from model_build.frontend import HOPS_PER_RUN
from model_build.frontend_reference import features_db, levels_db, to_db
from model_build.parity import probes
from model_build.recipe import FrontendRecipe, load_recipe
from model_build.runtime import Frontend

pytestmark = pytest.mark.filterwarnings("ignore")  # TensorFlow's own

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


@pytest.fixture(scope="module")
def by_hops() -> dict[int, bytes]:
    """The keywords' front end with one and with several hops per run."""
    recipe = load_recipe("keywords").frontend
    return {hops: convert_frontend(recipe, hops) for hops in (1, HOPS_PER_RUN)}


def test_the_hops_per_run_change_no_bit(by_hops: dict[int, bytes]) -> None:
    single, several = (Frontend(content) for content in by_hops.values())
    for name, pcm in probes().items():
        np.testing.assert_array_equal(several.features(pcm), single.features(pcm), err_msg=name)
        short = pcm[: 6 * HOP_SAMPLES + 100]
        np.testing.assert_array_equal(several.features(short), single.features(short), err_msg=name)


@given(st.lists(st.integers(0, 3000), max_size=20))
@settings(max_examples=20)
def test_a_stream_in_pieces_gives_the_frames_of_the_whole(by_hops: dict[int, bytes], cuts: list[int]) -> None:
    pcm = probes()["uneven"][:12_345]
    edges = [0, *np.clip(np.cumsum(cuts, dtype=int), 0, pcm.size).tolist(), pcm.size]
    for hops, content in by_hops.items():
        frontend = Frontend(content)
        parts = np.concatenate([frontend.more(pcm[a:b]) for a, b in itertools.pairwise(edges)])
        assert len(parts) == pcm.size // (hops * HOP_SAMPLES) * hops
        np.testing.assert_array_equal(parts, frontend.features(pcm)[: len(parts)])


def test_a_run_of_several_hops_consists_of_what_both_runtimes_have(by_hops: dict[int, bytes]) -> None:
    assert set(op_names(by_hops[HOPS_PER_RUN])) <= FRONTEND_OPS


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
