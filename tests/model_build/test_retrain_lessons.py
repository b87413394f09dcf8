"""What a retraining shows: clips out of windows, variations, and amounts that let neither side drown."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from contract.audio import FEATURE_ZERO_POINT
from model_build.recipe import load_recipe
from model_build.retrain.amounts import KNOWN_PART, NEW_PART, NONE_PART, REPEATS_NEW, amounts_of
from model_build.retrain.excerpts import best_start, clip_frames, cut, find_starts, paced, said_by_others
from model_build.retrain.growth import (
    EPOCHS_PART,
    LEAST_STEPS,
    OldKnowledge,
    enough_epochs,
    grown_network,
    grown_targets,
    known_network,
    learning_recipe,
)
from model_build.retrain.lessons import TAUGHT, WindowLessons
from model_build.retrain.mixing import features_of, mix, power, step_levels_db
from model_build.retrain.snapshot import Snapshot, read_snapshot
from tests.model_build.fleet import Window, write_snapshot
from tests.model_build.starter import NEW, starter, window

pytestmark = pytest.mark.filterwarnings("ignore")  # TensorFlow's own


def with_sound(frames: int, *places: tuple[int, int]) -> np.ndarray:
    """(frames, 80) quiet frames with sound at ``places``: first frame and level."""
    content = np.full((frames, 80), -40, np.int8)
    for first, level in places:
        content[first : first + 20] = level
    return content


def test_a_clip_has_the_loudest_sound_in_its_middle() -> None:
    assert abs(best_start(with_sound(200, (100, 20)), 50, None) - 85) <= 1


def test_the_nodes_own_peak_decides_between_two_sounds() -> None:
    frames = with_sound(300, (60, 22), (200, 20))
    assert abs(best_start(frames, 50, None) - 45) <= 1
    assert abs(best_start(frames, 50, 180.0) - 185) <= 1


@pytest.mark.parametrize("first", [0, 180])
def test_a_word_at_the_edge_of_a_window_is_in_the_middle_of_its_clip(first: int) -> None:
    frames = with_sound(200, (first, 20))
    start = best_start(frames, 50, None, beyond=25)
    assert abs(start + 25 - (first + 10)) <= 1
    assert (cut(frames, start, 50, lasting=False) == 20).all(axis=1).sum() == 20


def test_a_window_shorter_than_a_clip_lies_within_it() -> None:
    frames = with_sound(30, (0, 20))
    start = best_start(frames, 50, None)
    assert -20 <= start <= 0
    clip = cut(frames, start, 50, lasting=False)
    assert (clip == 20).all(axis=1).sum() == 20


@given(st.integers(1, 400), st.integers(-100, 500), st.integers(1, 252), st.booleans())
@example(2, -1, 1, False)
@settings(deadline=None)
def test_a_cut_has_its_length_and_nothing_but_the_window(
    frames: int, start: int, length: int, lasting: bool
) -> None:
    content = np.random.default_rng(frames).integers(-90, 90, (frames, 80)).astype(np.int8)
    clip = cut(content, start, length, lasting=lasting)
    assert clip.shape == (length, 80)
    assert clip.dtype == np.int8
    assert content.min() <= clip.min()
    assert clip.max() <= content.max()


def test_a_new_word_is_said_by_others_at_other_speeds_in_the_same_place() -> None:
    recipe = load_recipe("keywords")
    clips = np.stack([with_sound(52, (16, 20))] * 8)
    varied = said_by_others(recipe, clips, np.random.default_rng(1))
    assert (varied.shape, varied.dtype) == (clips.shape, np.int8)
    assert len({clip.tobytes() for clip in varied}) > 1
    assert (varied[:, 24:28] == 20).all()
    assert (varied[:, :8] == -40).all()


def test_a_paced_clip_is_faster_with_its_middle_in_place() -> None:
    clip = with_sound(52, (16, 20))
    assert (paced(clip, 0.5)[:, 0] == 20).sum() in (13, 14)
    np.testing.assert_array_equal(paced(clip, 0.0), clip)


@given(st.lists(st.integers(-128, 127), min_size=1, max_size=40))
def test_powers_of_features_are_their_features(codes: list[int]) -> None:
    features = np.array(codes, np.int8)
    np.testing.assert_array_equal(features_of(power(features)), features)


def test_two_equal_sounds_are_three_decibels_louder() -> None:
    sound = np.full((1, 8, 80), 40, np.int8)
    assert (mix(sound, sound, np.zeros(1)) == 46).all()
    assert (mix(sound, sound, np.array([40.0])) == 40).all()


def test_quiet_backgrounds_are_not_made_loud() -> None:
    sound, silence = np.full((1, 8, 80), 40, np.int8), np.full((1, 8, 80), -120, np.int8)
    np.testing.assert_array_equal(mix(sound, silence, np.zeros(1)), sound)


def test_a_steps_level_is_that_of_its_sound() -> None:
    frames = np.full((9, 80), FEATURE_ZERO_POINT, np.int8)
    np.testing.assert_allclose(step_levels_db(frames), 10 * np.log10(80), atol=0.01)


def test_new_labels_come_after_the_old_ones_and_before_those_that_are_never_detected() -> None:
    recipe = learning_recipe(load_recipe("keywords"), ["stop", "yes", "_unknown_", "bell"], "2", 12)
    assert recipe.labels[:7] == load_recipe("keywords").targets
    assert recipe.labels[7:] == ("stop", "bell", "_unknown_", "_silence_")
    assert (recipe.version, recipe.training.epochs) == ("2", 12)
    assert grown_targets(("a",), []) == ("a",)


def test_a_grown_network_says_what_the_old_one_said_and_nothing_of_the_new() -> None:
    base = starter()
    recipe = learning_recipe(base.recipe, [NEW], "2", 12)
    features = base.validation.features[:8].astype(np.float32)
    old = known_network(base).logits(features, training=False).numpy()
    grown = grown_network(base, recipe, 1).logits(features, training=False).numpy()
    taught = OldKnowledge(base, recipe).logits(features, training=False).numpy()
    keep = [recipe.labels.index(label) for label in base.labels]
    np.testing.assert_allclose(grown[..., keep], old, atol=1e-5)
    np.testing.assert_allclose(taught[..., keep], old, atol=1e-5)
    place = recipe.labels.index(NEW)
    assert (taught[..., place] < old.min()).all()
    assert (grown[:, -1].argmax(axis=1) != place).all()


def lessons_of(snapshot: Snapshot, **augment: float) -> WindowLessons:
    base = starter()
    recipe = learning_recipe(base.recipe, snapshot.head.labels, "2", 12)
    recipe = dataclasses.replace(recipe, augment=dataclasses.replace(recipe.augment, **augment))
    return WindowLessons(recipe, base, snapshot, find_starts(recipe, snapshot))


def snapshot_of(tmp_path, *windows: Window) -> Snapshot:
    return read_snapshot(write_snapshot(tmp_path / "s", list(windows), starter().frontend_digest))


@pytest.mark.parametrize("count", [1, 2, 400])
def test_few_windows_are_repeated_and_many_are_drawn_from(count: int, tmp_path) -> None:
    drawn = [window(NEW, seed) for seed in range(min(count, 8))]
    known, none = [window("yes", 50)], [window(None, 60)]
    windows = [drawn[index % len(drawn)] for index in range(count)]
    base = starter()
    unit = len(base.training.target) / len(base.labels)
    amount = amounts_of(base, snapshot_of(tmp_path, *windows, *(known + none) * count)).examples
    windows_shown = amount - len(base.training.target)
    assert windows_shown <= (NEW_PART + KNOWN_PART + NONE_PART) * unit + 3
    assert windows_shown >= min(count * REPEATS_NEW, unit)


def test_an_epoch_is_a_function_of_its_number(tmp_path) -> None:
    lessons = lessons_of(snapshot_of(tmp_path, window(NEW, 1), window(None, 2)), chained_part=0.5)
    first, again, other = (
        [*lessons.batches(epoch, np.random.default_rng([7, epoch]))] for epoch in (2, 2, 4)
    )
    for one, two in zip(first, again, strict=True):
        np.testing.assert_array_equal(one.features, two.features)
        np.testing.assert_array_equal(one.targets, two.targets)
    assert not np.array_equal(first[0].features, other[0].features)
    assert len(first) == lessons.count(2)
    chained = next(lessons.batches(1, np.random.default_rng(0)))
    assert (first[0].features.shape[1], chained.features.shape[1]) == (52, 100)
    assert np.flatnonzero(chained.weights[0]).tolist() == [11, 24]


def test_only_base_examples_are_taught_by_the_base(tmp_path) -> None:
    lessons = lessons_of(snapshot_of(tmp_path, *(window(NEW, seed) for seed in range(4))), mixup=0.0)
    place = 3
    for batch in lessons.batches(0, np.random.default_rng(0)):
        new = batch.targets[:, -1].argmax(axis=1) == place
        assert new.any()
        assert (batch.taught[new] == 0).all()
        assert set(np.unique(batch.taught).tolist()) <= {0.0, float(np.float32(TAUGHT))}


def test_windows_of_nothing_reject_targets_along_their_whole_length(tmp_path) -> None:
    lessons = lessons_of(snapshot_of(tmp_path, window(NEW, 1), *(window(None, seed) for seed in range(3))))
    assert clip_frames(starter().recipe) == 52
    unknown = starter().labels.index("_unknown_") + 1
    examples = lessons._examples(np.zeros((2, 52, 80), np.int8), np.array([[3], [unknown]]))
    assert examples.rejects[0].tolist() == [0.0] * 13
    assert examples.rejects[1].tolist() == [1.0] * 13


@pytest.mark.parametrize(("name", "label"), [("bed", "_unknown_"), (None, "_silence_")])
def test_a_window_of_none_of_them_is_called_what_the_base_makes_of_it(
    name: str | None, label: str, tmp_path: Path
) -> None:
    """Reviewers do not tell silence from other sounds. Were both one, the model would unlearn one of them."""
    heard = [dataclasses.replace(window(name, seed), label=None) for seed in range(0, 90, 10)]
    lessons = lessons_of(snapshot_of(tmp_path, window(NEW, 1), *heard))
    share = next(share for share in lessons._amounts.shares if share.anywhere)
    loud = [lessons._snapshot.window(index) for index in share.windows]
    clips = np.stack([cut(frames, best_start(frames, 52, None), 52, lasting=False) for frames in loud])
    assert {lessons._recipe.labels[place] for place in lessons._called(share, clips)} == {label}


def test_a_small_base_is_learned_for_more_epochs() -> None:
    recipe = load_recipe("keywords")
    assert enough_epochs(recipe, 100) == round(EPOCHS_PART * recipe.training.epochs)
    for batches in (1, 7, 11):
        epochs = enough_epochs(recipe, batches)
        assert epochs * batches >= LEAST_STEPS > (epochs - 1) * batches
