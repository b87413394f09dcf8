import dataclasses

import numpy as np
import pytest

from contract.bundle import read_bundle
from contract.manifest import PREPROCESS
from model_build.augment import Augmenter
from model_build.dataset import Clip, Sound
from model_build.examples import ExampleMaker, ExampleSet, audible, distort
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
def copies(models, tmp_path) -> list[ExampleSet]:
    draw = np.random.default_rng(0)
    frontend = Frontend(read_bundle(models / "keywords.bundle").files[PREPROCESS])
    maker = ExampleMaker(SMALL, Augmenter(SMALL.augment, [], draw), frontend, draw)
    return list(maker.copies(sounds(SMALL, tmp_path), lambda *_: None))


def test_each_label_gets_its_part(copies: list[ExampleSet]) -> None:
    """Seven targets once, two unknowns, one silence."""
    last = copies[0].targets[:, -1].tolist()
    assert sorted(last) == [0, 1, 2, 3, 4, 5, 6, 7, 7, 8]


def test_a_single_clip_is_asked_at_its_end_and_a_chain_at_each_end(copies: list[ExampleSet]) -> None:
    single, chained = copies
    assert single.features.shape == (10, 52, 80)
    assert np.flatnonzero(single.weights[0]).tolist() == [25]
    assert chained.features.shape == (10, 100, 80)
    assert np.flatnonzero(chained.weights[0]).tolist() == [24, 49]
    assert chained.sources.shape == (10, 2)


def test_without_leaves_out_every_example_with_a_held_out_sound(copies: list[ExampleSet]) -> None:
    for copy in copies:
        kept = copy.without([0, 3])
        assert not np.isin(kept.sources, [0, 3]).any()
        assert kept.features.shape[0] == kept.targets.shape[0] == kept.weights.shape[0] < 10


def test_what_is_far_below_the_loudest_is_not_asked() -> None:
    features = np.full((1, 8, 80), 80, np.int8)
    features[0, 4:] = 0
    assert audible(features, 30.0).tolist() == [[1, 1, 0, 0]]
    assert audible(features, None).tolist() == [[1, 1, 1, 1]]


def test_distortion_stays_within_the_features_range() -> None:
    draw = np.random.default_rng(1)
    features = draw.integers(-128, 128, (16, 52, 80)).astype(np.int8)
    distorted = distort(features, RECIPE, draw)
    assert distorted.dtype == np.float32
    assert distorted.shape == features.shape
    assert distorted.min() >= -128
    assert distorted.max() <= 127
    assert not np.array_equal(distorted, features)
