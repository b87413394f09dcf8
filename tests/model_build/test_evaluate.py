import dataclasses

import numpy as np
import pytest

from contract.clip import decide_clip
from model_build.evaluate import Heard, score, step_levels_db
from model_build.recipe import load_recipe

LABELS = ("dog", "rain", "_background_")
DECISION = dataclasses.replace(load_recipe("sounds").decision, smoothing_s=0.0)


def heard(label: str, *rows: tuple[float, float, float]) -> Heard:
    return Heard(label=label, posteriors=np.array(rows, np.float32), levels_db=(-20.0,) * len(rows))


def test_a_score_counts_clips_by_label_and_by_what_was_said() -> None:
    clips = [heard("dog", (0.9, 0.1, 0.0)), heard("dog", (0.2, 0.7, 0.1)), heard("rain", (0.1, 0.8, 0.1))]
    result = score(clips, LABELS, DECISION)
    assert result.clips == 3
    assert result.accuracy == pytest.approx(2 / 3)
    assert result.per_label == {"dog": 0.5, "rain": 1.0}
    assert result.balanced == pytest.approx(0.75)
    assert result.confusion.tolist() == [[1, 1, 0], [0, 1, 0], [0, 0, 0]]


def test_levels_are_those_of_the_steps() -> None:
    loud = np.round(32767 * np.sin(np.arange(1280) * 2 * np.pi / 16)).astype(np.int16)
    levels = step_levels_db(np.concatenate([loud, np.zeros(1280, np.int16)]))
    assert levels[0] == pytest.approx(0.0, abs=0.01)
    assert levels[1] == pytest.approx(-120.0)


def test_quiet_steps_do_not_count_for_a_clip() -> None:
    rows = [[0.9, 0.1], [0.0, 1.0], [0.0, 1.0]]
    assert decide_clip(rows, [-20.0, -70.0, -80.0], rule="mean", gate_db=30.0)[0] == 0
    assert decide_clip(rows, [-20.0, -70.0, -80.0], rule="mean", gate_db=None)[0] == 1
