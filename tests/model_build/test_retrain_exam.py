"""What is chosen on what: honest clips and windows choose, learned ones do not."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from model_build.errors import SnapshotError
from model_build.parity import FloatListener
from model_build.retrain.base import Base
from model_build.retrain.exam import LEAST_JUDGES, LEAST_TEMPERATURE, Exam
from model_build.retrain.excerpts import find_starts
from model_build.retrain.growth import grown_network, learning_recipe
from model_build.retrain.snapshot import read_snapshot
from tests.model_build.fleet import Window, write_snapshot
from tests.model_build.starter import NEW, TARGETS, starter, window

pytestmark = pytest.mark.filterwarnings("ignore")  # TensorFlow's own


def exam_of(base: Base, folder: Path, windows: list[Window]) -> tuple[Exam, FloatListener]:
    snapshot = read_snapshot(write_snapshot(folder / "s", windows, base.frontend_digest))
    recipe = learning_recipe(base.recipe, snapshot.head.labels, "2", 12)
    network = grown_network(base, recipe, 1)
    return Exam(recipe, base, snapshot, find_starts(recipe, snapshot)), FloatListener(network)


def measured_by_folds(base: Base) -> Base:
    thresholds = {"yes": 0.71, "no": 0.72, "up": 0.73}
    origin = dataclasses.replace(base.origin, validation_learned=True, temperature=0.8, thresholds=thresholds)
    return dataclasses.replace(base, origin=origin)


def held_back(count: int) -> list[Window]:
    names = [NEW, *TARGETS, None]
    return [window(NEW, 1), *(window(names[i % 5], 40 + 9 * i, "validation") for i in range(count))]


def test_validation_clips_and_windows_choose_together(tmp_path: Path) -> None:
    base = starter()
    exam, listener = exam_of(base, tmp_path, held_back(10))
    assert len(exam.judges) == len(base.validation.truth) + 8
    assert len(exam.nothing) == 2
    assert set(exam.thresholds(listener, [])) == {*TARGETS, NEW}
    assert exam.temperature(grown_network(base, exam_recipe(base), 1)) >= LEAST_TEMPERATURE


def exam_recipe(base: Base):
    return learning_recipe(base.recipe, [NEW], "2", 12)


def test_clips_that_were_learned_choose_nothing(tmp_path: Path) -> None:
    base = measured_by_folds(starter())
    exam, listener = exam_of(base, tmp_path, held_back(10))
    assert {clip.label for clip in exam.judges} == {*TARGETS, NEW}
    assert len(exam.judges) == 8 < LEAST_JUDGES
    assert exam.temperature(grown_network(base, exam_recipe(base), 1)) == 0.8
    chosen = exam.thresholds(listener, [])
    assert {label: chosen[label] for label in TARGETS} == base.origin.thresholds
    assert NEW in chosen


def test_few_windows_of_a_new_label_do_not_say_that_it_is_rare(tmp_path: Path) -> None:
    base = starter()
    exam, _ = exam_of(base, tmp_path, held_back(10))
    own = [clip for clip in exam.window_clips if clip.label == NEW]
    of_an_old_one = np.count_nonzero(base.validation.truth == 0)
    assert abs(len(own) + len(exam.varied) - of_an_old_one) <= 1
    assert {clip.label for clip in exam.varied} == {NEW}
    assert len({clip.features.tobytes() for clip in [*own, *exam.varied]}) == len(own) + len(exam.varied)


def test_without_an_honest_judge_there_is_no_candidate(tmp_path: Path) -> None:
    base = measured_by_folds(starter())
    with pytest.raises(SnapshotError, match="held back for validation"):
        exam_of(base, tmp_path, [window("yes", 1), window(None, 2, "validation")])
