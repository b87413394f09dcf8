"""Both variants of a classifier, and both front ends, made here of a small network and run by the node."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from contract.bundle import read_bundle, write_bundle
from contract.manifest import CLASSIFIER, DYNAMIC_RANGE, INT8, PREPROCESS, QUANTIZATIONS, SELFTEST, layout
from edge_agent.bundles import load_bundle
from edge_agent.pipeline import Pipeline, Tuning
from model_build import export
from model_build.bundle import selftest, selftest_sound
from model_build.convert import convert_classifier, convert_frontend
from model_build.errors import ConversionError
from model_build.flatbuffer import op_names
from model_build.frontend import HOPS_PER_RUN
from model_build.network import Network
from model_build.parity import check_streaming
from model_build.recipe import Recipe, load_recipe
from model_build.runtime import Classifier, Frontend
from model_build.shape import STEP_FRAMES

pytestmark = pytest.mark.filterwarnings("ignore")  # TensorFlow's own

FRAMES = 40 * STEP_FRAMES
GIVEN = {"quantization", "schema", "files", "frontend_digest", *layout()}
"""Fields of a manifest that ``write_bundle`` fills in, or that the tests choose."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Made:
    """A network that was drawn by lot, and the files it became."""

    recipe: Recipe
    network: Network
    classifiers: dict[str, bytes]
    frontends: dict[int, bytes]


@pytest.fixture(scope="module")
def made() -> Made:
    whole = load_recipe("keywords")
    shape = dataclasses.replace(whole.network, dense=48, hidden=40, pool_steps=5, level_frames=20)
    recipe = dataclasses.replace(whole, network=shape)
    network = Network(shape, len(recipe.labels), 3)
    frames = network.normalize(np.stack([sound_frames(seed) for seed in range(8)]).astype(np.float32)).numpy()
    calibration = np.pad(frames, [(0, 0), (shape.history_frames, 0), (0, 0)])
    return Made(
        recipe=recipe,
        network=network,
        classifiers={
            variant: convert_classifier(shape, network.arrays(), calibration, variant)
            for variant in QUANTIZATIONS
        },
        frontends={hops: convert_frontend(recipe.frontend, hops) for hops in (1, HOPS_PER_RUN)},
    )


def sound_frames(seed: int) -> NDArray[np.int8]:
    """(FRAMES, 80) frames that change slowly, over most of the range."""
    draw = np.random.default_rng(seed)
    walk = np.cumsum(draw.normal(0, 8, (FRAMES, 80)), axis=0)
    return np.clip(walk - 20, -128, 127).astype(np.int8)


def bundle_of(made: Made, shipped: Path, hops: int, variant: str | None) -> bytes:
    """The shipped bundle with these models in it; without a variant its manifest names none."""
    manifest = read_bundle(shipped).manifest.to_plain()
    fields = {name: value for name, value in manifest.items() if name not in GIVEN}
    front, back = made.frontends[hops], made.classifiers[variant or INT8]
    files = {PREPROCESS: front, CLASSIFIER: back, SELFTEST: selftest(front, back, selftest_sound())}
    named = {} if variant is None else {"quantization": variant}
    return write_bundle({**fields, **named}, files)


@pytest.mark.parametrize("variant", QUANTIZATIONS)
def test_each_variant_is_what_it_is_called(made: Made, variant: str) -> None:
    content = made.classifiers[variant]
    export.require_fused_lstm(content, variant)
    assert set(op_names(content)) <= export.CLASSIFIER_OPS
    (other,) = set(QUANTIZATIONS) - {variant}
    with pytest.raises(ConversionError, match=f"is not {other}"):
        export.require_fused_lstm(content, other)


@pytest.mark.parametrize("variant", QUANTIZATIONS)
def test_each_variant_computes_what_was_trained(made: Made, variant: str) -> None:
    classifier = Classifier(made.classifiers[variant])
    wanted, found = [], []
    for seed in range(20, 26):
        features = sound_frames(seed)
        wanted.append(made.network.logits(features[None].astype(np.float32), training=False).numpy()[0])
        found.append(np.log(classifier.clip(features, STEP_FRAMES)))
    expected, logits = (np.concatenate(rows) for rows in (wanted, found))
    expected, logits = (rows - rows.mean(axis=1, keepdims=True) for rows in (expected, logits))
    assert np.sqrt(np.mean((expected - logits) ** 2)) < 0.1 * expected.std()


@given(st.sampled_from(QUANTIZATIONS), st.integers(1, 40), st.integers(0, 99))
@settings(max_examples=20, deadline=None)
def test_each_variant_streams_bit_for_bit(made: Made, variant: str, steps: int, seed: int) -> None:
    classifier, features = Classifier(made.classifiers[variant]), sound_frames(seed)
    whole = classifier.clip(features, FRAMES)
    streamed = classifier.clip(features, steps * STEP_FRAMES)
    assert len(streamed) == 40 // steps * steps
    np.testing.assert_array_equal(streamed, whole[: len(streamed)])


def test_the_variants_are_two(made: Made) -> None:
    int8, floats = (
        Classifier(made.classifiers[variant]).clip(sound_frames(31), FRAMES) for variant in QUANTIZATIONS
    )
    assert 0 < np.abs(int8 - floats).max() < 0.1
    check_streaming(Classifier(made.classifiers[DYNAMIC_RANGE]), sound_frames(32))


def test_a_variant_that_is_none_is_refused(made: Made) -> None:
    with pytest.raises(ConversionError, match="int8 or dynamic-range, not 'float'"):
        export.export_classifier(made.recipe.network, {}, np.zeros((1, 1, 80), np.float32), "float")


@pytest.mark.parametrize("variant", QUANTIZATIONS)
def test_the_node_runs_each_variant_behind_each_front_end(
    made: Made, variant: str, models: Path, tmp_path: Path
) -> None:
    pcm = np.round(np.random.default_rng(5).normal(0, 900, 3 * 16_000)).astype(np.int16)
    heard = []
    for hops in made.frontends:
        path = tmp_path / f"{hops}.bundle"
        path.write_bytes(bundle_of(made, models / "keywords.bundle", hops, variant))
        bundle = load_bundle(path, "0.1.0")
        assert (bundle.manifest.quantization, bundle.parity.feature_steps) == (variant, 0)
        pipeline = Pipeline(bundle, Tuning(thresholds={}))
        steps = [*pipeline.feed(pcm, 3.0), *pipeline.flush(3.0)]
        heard.append([(step.frames.tobytes(), step.posteriors.tobytes()) for step in steps])
    assert heard[0] == heard[1]
    frames = Frontend(made.frontends[1]).features(np.pad(pcm, (0, -pcm.size % (STEP_FRAMES * 320))))
    assert b"".join(part for part, _ in heard[0]) == frames.tobytes()


def test_a_bundle_that_names_no_quantization_is_int8(made: Made, models: Path) -> None:
    content = bundle_of(made, models / "keywords.bundle", 1, None)
    assert read_bundle(content).manifest.quantization == INT8
