import dataclasses

import numpy as np
import pytest

from contract.bundle import read_bundle
from contract.manifest import PREPROCESS
from model_build.dataset import Clip, Sound
from model_build.examples import ExampleSet, audible, distort, make_copy, plain_copy, whole_steps
from model_build.negatives import Negative
from model_build.recipe import Recipe, load_recipe
from model_build.runtime import Frontend

RECIPE = load_recipe("keywords")
SMALL = dataclasses.replace(
    RECIPE, augment=dataclasses.replace(RECIPE.augment, copies=2, chained_part=0.5), unknown_part=2.0
)


def sounds(recipe: Recipe, tmp_path) -> list[Sound]:
    words = [*recipe.targets, "bed", "six"]
    return [
        Sound(
            clip=Clip(path=tmp_path / word, word=word, split="training"),
            label=word if word in recipe.targets else "_unknown_",
            pcm=(6000 * np.sin(np.arange(16_000) * (0.1 + 0.05 * place))).astype(np.int16),
        )
        for place, word in enumerate(words)
    ]


@pytest.fixture
def frontend(models) -> Frontend:
    return Frontend(read_bundle(models / "keywords.bundle").files[PREPROCESS])


@pytest.fixture
def copies(frontend: Frontend, tmp_path) -> list[ExampleSet]:
    return [make_copy(SMALL, index, sounds(SMALL, tmp_path), [], [], frontend) for index in range(2)]


def test_a_copy_is_a_function_of_its_number(copies: list[ExampleSet], frontend: Frontend, tmp_path) -> None:
    again = make_copy(SMALL, 1, sounds(SMALL, tmp_path), [], [], frontend)
    assert np.array_equal(again.features, copies[1].features)
    assert np.array_equal(again.targets, copies[1].targets)


def test_only_what_holds_no_target_so_far_is_rejected(copies: list[ExampleSet]) -> None:
    for copy in copies:
        heard = np.cumsum(copy.targets < len(SMALL.targets), axis=1) > 0
        assert np.array_equal(copy.rejects == 0, heard)


def test_negatives_are_cut_and_called_what_the_recipe_says(frontend: Frontend, tmp_path) -> None:
    table = SMALL.negatives[0]
    only = dataclasses.replace(SMALL, negatives=(dataclasses.replace(table, part=2.0),))
    long = Negative(table=only.negatives[0], path=tmp_path / "a.flac", pcm=np.full(80_000, 900, np.int16))
    made = make_copy(only, 0, sounds(only, tmp_path), [], [long], frontend)
    plain = make_copy(only, 0, sounds(only, tmp_path), [], [], frontend)
    assert made.features.shape[0] - plain.features.shape[0] == 2
    label = only.labels.index(table.label)
    assert (made.targets[:, -1] == label).sum() - (plain.targets[:, -1] == label).sum() == 2


def test_a_plain_copy_holds_the_recordings_as_they_were(frontend: Frontend, tmp_path) -> None:
    made = plain_copy(SMALL, sounds(SMALL, tmp_path), [], frontend)
    assert made.sources.shape[1] == 1
    for source, sound in enumerate(sounds(SMALL, tmp_path)):
        for row in np.flatnonzero(made.sources[:, 0] == source):
            assert np.array_equal(made.features[row], frontend.features(whole_steps(sound.pcm)))


def test_each_label_gets_its_part(copies: list[ExampleSet]) -> None:
    """Seven targets once, two unknowns, one silence."""
    last = copies[0].targets[:, -1].tolist()
    assert sorted(last) == [0, 1, 2, 3, 4, 5, 6, 7, 7, 8]


def test_a_single_clip_is_asked_at_its_end_and_a_chain_at_each_end(copies: list[ExampleSet]) -> None:
    single, chained = copies
    assert single.features.shape == (10, 52, 80)
    assert np.flatnonzero(single.weights[0]).tolist() == [12]
    assert chained.features.shape == (10, 100, 80)
    assert np.flatnonzero(chained.weights[0]).tolist() == [11, 24]
    assert chained.sources.shape == (10, 2)


def test_without_leaves_out_every_example_with_a_held_out_sound(copies: list[ExampleSet]) -> None:
    for copy in copies:
        kept = copy.without([0, 3])
        assert not np.isin(kept.sources, [0, 3]).any()
        assert kept.features.shape[0] == kept.targets.shape[0] == kept.weights.shape[0] < 10


def test_what_is_far_below_the_loudest_is_not_asked() -> None:
    features = np.full((1, 8, 80), 80, np.int8)
    features[0, 4:] = 0
    assert audible(features, 30.0).tolist() == [[1, 0]]
    assert audible(features, None).tolist() == [[1, 1]]


def test_distortion_stays_within_the_features_range() -> None:
    draw = np.random.default_rng(1)
    features = draw.integers(-128, 128, (16, 52, 80)).astype(np.int8)
    distorted = distort(features, RECIPE, draw)
    assert distorted.dtype == np.float32
    assert distorted.shape == features.shape
    assert distorted.min() >= -128
    assert distorted.max() <= 127
    assert not np.array_equal(distorted, features)
