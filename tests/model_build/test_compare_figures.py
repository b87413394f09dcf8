"""Intervals, alarms, the store of results, and what people read."""

import json
import xml.etree.ElementTree
from pathlib import Path

import numpy as np
import pytest

from contract.audio import MEL_BINS
from model_build.compare.alarms import Alarms, count_alarms, follow_long, running, threshold_at
from model_build.compare.contender import Form
from model_build.compare.page import page, plot
from model_build.compare.results import Result, Store
from model_build.compare.statistics import over_clips, over_runs, paired
from model_build.compare.table import COLUMNS, cells, markdown, rows_of
from model_build.recipe import load_recipe

RECIPE = load_recipe("keywords")
FORM = Form(name="float32 nodes", size_bytes=12_000, stream_ms=3.0, decision_ms=0.24)


def result(model: str, said: tuple[int, ...], seed: int = 1, **changes: object) -> Result:
    plain = {
        "model": model,
        "seed": seed,
        "round": "validation",
        "settings": {"leaf": 3},
        "examples": 10,
        "fit_s": 1.5,
        "truth": (0, 1, 2, 3),
        "said": said,
        "alarms": Alarms(threshold=0.5, missed_part=0.1, per_hour=2.0),
        "forms": (FORM,),
    }
    return Result(**{**plain, **changes})  # type: ignore[arg-type]


def test_more_trainings_say_it_more_surely() -> None:
    few, many = over_runs(np.array([0.8, 0.9])), over_runs(np.array([0.8, 0.9] * 8))
    assert few.value == many.value == pytest.approx(0.85)
    assert few.high - few.low > many.high - many.low > 0
    assert np.isnan(over_runs(np.array([0.8])).low)


def test_a_part_of_clips_stays_between_nothing_and_all() -> None:
    for right in (0.0, 0.3, 1.0):
        interval = over_clips(right, 20)
        assert 0.0 <= interval.low <= right <= interval.high <= 1.0


def test_a_lead_counts_only_where_it_is_on_the_same_clips() -> None:
    draw = np.random.default_rng(1)
    hard = (draw.random(400) < 0.7).astype(float)
    worse = np.where(draw.random(400) < 0.05, 0.0, hard)
    lead = paired(hard, worse)
    assert 0.0 < lead.low < lead.value < lead.high < 0.08
    assert paired(hard, hard).high == 0.0


class Scripted:
    """Says of each frame's first bin whether it is 'yes'."""

    step_s = 0.08

    def follow(self, features: np.ndarray) -> np.ndarray:
        posteriors = np.zeros((features.shape[0], features.shape[1] // 4, len(RECIPE.labels)), np.float32)
        posteriors[:, :, 0] = features[:, 3::4, 0] / 100
        return posteriors


def test_alarms_are_what_the_detector_reports_at_the_threshold() -> None:
    approaches = np.zeros((10, 40, MEL_BINS), np.int8)
    approaches[:, 8:32] = 90
    stream = np.zeros((60 * 50, MEL_BINS), np.int8)
    for start in (500, 1000, 2000):
        stream[start : start + 30] = 95
    stream[2500:2530] = 40
    alarms = count_alarms(Scripted(), RECIPE, (approaches, np.zeros(10, np.int64)), stream)
    assert alarms.missed_part == 0.0
    assert 0.8 < alarms.threshold <= 0.9
    assert alarms.per_hour == pytest.approx(3 * 60, rel=0.01)
    assert count_alarms(Scripted(), RECIPE, (approaches, np.zeros(10, np.int64)), None).per_hour is None


def test_a_long_stream_loses_nothing_between_its_stretches() -> None:
    stream = np.zeros((1716, MEL_BINS), np.int8)
    stream[:, 0] = np.arange(1716) % 100
    heard = follow_long(Scripted(), stream, 208)
    assert np.allclose(heard[:, 0], (stream[3::4, 0] / 100))


def test_the_average_is_the_detectors() -> None:
    from contract.detector import Detector

    posteriors = np.random.default_rng(0).random((1, 20, 2)).astype(np.float32)
    detector = Detector(["a", "b"], {"a": 0.5}, smoothing_s=0.2, refractory_s=1.0, step_s=0.08)
    for row in posteriors[0].tolist():
        detector.feed(row)
    assert np.allclose(running(posteriors, 0.2, 0.08)[0, -1], detector.average)


def test_a_threshold_that_cannot_be_reached_misses_more() -> None:
    peaks = np.array([0.0, 0.0, 0.5, 0.9])
    assert threshold_at(peaks, 0.25) > 0.0
    assert threshold_at(np.ones(4), 0.1) < 1.0


def test_results_are_found_again_only_for_what_they_depend_on(tmp_path: Path) -> None:
    store, kept = Store(tmp_path), result("tree", (0, 1, 2, 0))
    store.keep("tree", {"data": "x"}, kept)
    assert store.result("tree", {"data": "x"}) == kept
    assert store.result("tree", {"data": "y"}) is None
    for path in (tmp_path / "results").iterdir():
        path.write_text("{ half")
    assert store.result("tree", {"data": "x"}) is None


def test_the_table_holds_every_model_and_our_lead() -> None:
    dearer = Form(name="int8", size_bytes=9, stream_ms=6.0, decision_ms=1.0)
    rows = rows_of([
        result("tree", (0, 1, 0, 0)),
        result("tree", (0, 0, 0, 3), seed=2),
        result("lstm", (0, 1, 2, 3), forms=(FORM, dearer)),
    ])  # fmt: skip
    assert [row.model for row in rows] == ["lstm", "tree"]
    assert rows[1].runs.value == pytest.approx(0.5)
    assert rows[1].lead is not None
    assert rows[1].lead.value == pytest.approx(0.5)
    assert rows[0].cost_ratio == rows[1].cost_ratio == 1.0
    assert [line[9] for line in cells(rows[0])] == ["1.00", "2.00"]
    assert all(len(line) == len(COLUMNS) for row in rows for line in cells(row))
    assert markdown(rows).count("\n") == 5


def test_a_model_that_cannot_be_deployed_still_has_its_line() -> None:
    (row,) = rows_of([result("gru", (0, 1, 2, 3), forms=())])
    assert [len(line) for line in cells(row)] == [len(COLUMNS)]


def test_the_plot_is_the_same_for_the_same_figures_and_the_page_holds_it() -> None:
    rows = rows_of([result("svm", (0, 1, 2, 0)), result("lstm", (0, 1, 2, 3), forms=())])
    picture = plot(rows, "words & <sounds>")
    assert picture == plot(rows, "words & <sounds>")
    xml.etree.ElementTree.fromstring(picture)
    text = page(rows, "words & <sounds>", ["a < b"], picture)
    assert "words &amp; &lt;sounds&gt;" in text
    assert "a &lt; b" in text
    assert "SVM (RBF)" in text
    assert text.count("<svg") == 1
    assert "http://" not in text.split("<table>")[1]


def test_results_are_plain_json(tmp_path: Path) -> None:
    Store(tmp_path).keep("svm seed 1 fold 2", {}, result("svm", (0, 1, 2, 0)))
    (path,) = (tmp_path / "results").iterdir()
    assert path.name.startswith("svm-seed-1-fold-2-")
    assert json.loads(path.read_text())["said"] == [0, 1, 2, 0]
