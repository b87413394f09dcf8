"""What all other reviews say of each one: exact, and honest reviews are told from wrong ones."""

import dataclasses
import random
from pathlib import Path

import numpy as np
import pytest

from model_build.retrain.crosscheck import STIFFNESS, Checked, cross_check, left_out_scores, weights_of
from model_build.retrain.snapshot import Snapshot, read_snapshot
from tests.model_build.fleet import write_snapshot
from tests.model_build.starter import NEW, TARGETS, starter, window

pytestmark = [pytest.mark.timeout(300), pytest.mark.filterwarnings("ignore")]  # TensorFlow's own

HEARD = [NEW] * 15 + [*TARGETS] * 3 + ["bed"] * 3 + [None] * 3


def reviewed(folder: Path, wrong: int = 0) -> Snapshot:
    """Thirty windows, the first ``wrong`` of a shuffled list called what they are not."""
    windows = [window(name, 300 + 10 * place) for place, name in enumerate(HEARD)]
    windows = [dataclasses.replace(one, label=None if one.label == "bed" else one.label) for one in windows]
    choice = random.Random(7)
    for place in choice.sample(range(len(windows)), wrong):
        other = choice.choice([name for name in (*TARGETS, NEW) if name != windows[place].label])
        windows[place] = dataclasses.replace(windows[place], label=other)
    return read_snapshot(write_snapshot(folder, windows, starter().frontend_digest))


def confirmed(snapshot: Snapshot) -> int:
    return sum(one.doubt < 0 for one in cross_check(starter(), snapshot).values())


def test_honest_reviews_confirm_each_other_and_wrong_ones_do_not(tmp_path: Path) -> None:
    assert confirmed(reviewed(tmp_path / "honest")) >= 29
    assert confirmed(reviewed(tmp_path / "wrong", wrong=10)) <= 21


def test_a_single_wrong_review_is_named_with_what_it_should_be(tmp_path: Path) -> None:
    windows = [window(name, 300 + 10 * place) for place, name in enumerate([NEW] * 9 + ["yes"] * 3)]
    windows[4] = dataclasses.replace(windows[4], label="yes")
    snapshot = read_snapshot(write_snapshot(tmp_path / "one", windows, starter().frontend_digest))
    found = cross_check(starter(), snapshot)
    doubtful: dict[int, Checked] = {place: one for place, one in found.items() if one.doubt > 0}
    assert {place: one.others for place, one in doubtful.items()} == {4: NEW}


def test_without_reviews_there_is_nothing_to_compare(tmp_path: Path) -> None:
    snapshot = reviewed(tmp_path / "some")
    nothing = dataclasses.replace(snapshot, label=snapshot.label[:0])
    assert cross_check(starter(), nothing) == {}


def test_leaving_one_out_is_what_fitting_without_it_gives() -> None:
    draw = np.random.default_rng(1)
    reviewed, known = draw.normal(size=(12, 5)), draw.normal(size=(20, 5))
    said, truth = draw.integers(0, 3, 12), draw.integers(0, 3, 20)
    found = left_out_scores(reviewed, said, known, truth, 3)
    rows = (np.concatenate([reviewed, known]) - known.mean(axis=0)) / (known.std(axis=0) + 1e-3)
    rows = np.concatenate([rows, np.ones((32, 1))], axis=1)
    hot = np.eye(3)[np.concatenate([said, truth])]
    stiff = np.diag([STIFFNESS] * 5 + [0.0])
    for left_out in range(12):
        others = np.delete(np.arange(32), left_out)
        weighted = rows[others] * weights_of(hot, 12)[others, None]
        fit = np.linalg.solve(weighted.T @ rows[others] + stiff, weighted.T @ hot[others])
        np.testing.assert_allclose(found[left_out], rows[left_out] @ fit, atol=1e-9)
