"""Learning again from a base and reviewed windows: what is new is learned, what is old stays."""

import dataclasses
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from contract.bundle import read_bundle
from contract.manifest import CLASSIFIER
from model_build.errors import SnapshotError
from model_build.parity import check_streaming
from model_build.retrain.base_file import read_base, write_base
from model_build.retrain.judging import judge
from model_build.retrain.retraining import Retrained, RetrainOrder, retrain
from model_build.retrain.snapshot import read_snapshot
from model_build.retrain.watching import JsonWatcher
from model_build.runtime import Classifier
from tests.model_build.fleet import Window, write_snapshot
from tests.model_build.starter import NEW, TARGETS, starter, window

pytestmark = [pytest.mark.timeout(900), pytest.mark.filterwarnings("ignore")]  # TensorFlow's own

EPOCHS = 12


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("base") / "words.base"
    write_base(starter(), path)
    return path


def reviewed(wrong: int = 0) -> list[Window]:
    """Twelve windows to learn from, ``wrong`` of them called what they are not, and some to judge by."""
    names = [NEW] * 8 + ["yes", "no", None, None]
    learned = [
        window(name, 500 + 10 * place, called="up" if name == NEW else NEW)
        if place % 3 == 0 and place < 3 * wrong
        else window(name, 500 + 10 * place)
        for place, name in enumerate(names)
    ]
    held_back = [
        window(name, 900 + 10 * place, split)
        for place, (name, split) in enumerate(
            (name, split) for split in ("validation", "test") for name in [NEW] * 6 + [*TARGETS, None]
        )
    ]
    return [*learned, *held_back]


@dataclasses.dataclass(frozen=True)
class Candidate:
    made: Retrained
    snapshot: Path
    lines: list[dict[str, Any]]
    figures: dict[str, Any]


def candidate(base: Path, folder: Path, windows: list[Window]) -> Candidate:
    snapshot = write_snapshot(folder / "snapshot", windows, starter().frontend_digest)
    said = io.StringIO()
    made = retrain(ordered(base, snapshot, folder / "work"), JsonWatcher(said))
    path = folder / "candidate.bundle"
    path.write_bytes(made.content)
    figures = judge(read_bundle(path), path, read_base(base), read_snapshot(snapshot), lambda *_: None)
    lines = [json.loads(line) for line in said.getvalue().splitlines()]
    return Candidate(made=made, snapshot=snapshot, lines=lines, figures=figures)


def ordered(base: Path, snapshot: Path, work: Path) -> RetrainOrder:
    return RetrainOrder(base=base, windows=snapshot, work=work, epochs=EPOCHS)


@pytest.fixture(scope="module")
def honest(base: Path, tmp_path_factory: pytest.TempPathFactory) -> Candidate:
    return candidate(base, tmp_path_factory.mktemp("honest"), reviewed())


def right(figures: dict[str, Any], part: str, label: str | None) -> float:
    own = [item for item in figures[part] if item["truth"] == label]
    return float(np.mean([item["said"] == label for item in own]))


def test_a_few_windows_teach_a_new_label_and_the_old_ones_stay(honest: Candidate) -> None:
    assert right(honest.figures, "windows", NEW) >= 0.75
    assert right(honest.figures, "windows", None) == 1.0
    for label in starter().labels:
        assert right(honest.figures, "base", label) >= 0.9


def test_the_bundle_says_where_it_comes_from(honest: Candidate, base: Path) -> None:
    bundle = read_bundle(honest.made.content)
    manifest, head = bundle.manifest, read_snapshot(honest.snapshot).head
    assert manifest.labels == (*TARGETS, NEW, "_unknown_", "_silence_")
    assert set(manifest.thresholds) == {*TARGETS, NEW}
    assert manifest.frontend_digest == starter().frontend_digest
    assert manifest.version == f"1.0.0+{head.digest[:8]}"
    lineage = manifest.datasets[-1]
    assert lineage.clips == 12
    for digest in (head.digest, starter().origin.digest, read_base(base).digest):
        assert digest in lineage.source
    assert manifest.metrics["parity_agreement"] >= 0.95


def test_the_retrained_classifier_streams_bit_for_bit(honest: Candidate) -> None:
    snapshot = read_snapshot(honest.snapshot)
    classifier = Classifier(read_bundle(honest.made.content).files[CLASSIFIER])
    for index in range(3):
        check_streaming(classifier, snapshot.window(index)[:100])


def test_each_line_of_progress_says_all_that_is_known(honest: Candidate) -> None:
    epochs = [line for line in honest.lines if line["epoch"] is not None]
    assert [line["epoch"] for line in epochs] == list(range(1, EPOCHS + 1))
    assert all(0 <= line["validation_accuracy"] <= 1 and line["epochs"] == EPOCHS for line in epochs)
    assert epochs[0]["remaining_s"] is None
    assert epochs[-1]["remaining_s"] == 0
    assert {tuple(line) for line in honest.lines} == {
        ("what", "done", "total", "epoch", "epochs", "loss", "validation_accuracy", "remaining_s")
    }


def test_the_figures_hold_everything_that_was_held_back(honest: Candidate) -> None:
    figures = honest.figures
    assert figures["schema"] == 1
    assert {item["split"] for item in figures["windows"]} == {"validation", "test"}
    assert len(figures["windows"]) == 20
    assert len(figures["base"]) == len(starter().validation.truth)
    assert figures["streams"]["hours"] == pytest.approx(20 / 3600, rel=0.02)
    assert figures["nothing"]["hours"] == pytest.approx(7 * 300 / 3600)
    assert figures["nothing"]["silence_detections"] == 0
    assert 0 < figures["cost_ms_per_s"] < 100
    assert figures["parity"].keys() == {"parity_agreement", "parity_nrmse", "parity_frontend_db"}
    assert len(figures["reviews"]) == 32
    assert {one["split"] for one in figures["reviews"]} == {"training", "validation", "test"}
    assert sum(one["truth"] == one["others"] for one in figures["reviews"]) >= 30
    json.dumps(figures)


def test_wrong_reviews_make_a_worse_candidate(base: Path, honest: Candidate, tmp_path: Path) -> None:
    """A third of the labels is wrong, and the held-back windows tell."""
    poisoned = candidate(base, tmp_path, reviewed(wrong=4))
    assert overall(poisoned.figures) < overall(honest.figures)


def overall(figures: dict[str, Any]) -> float:
    items = [*figures["windows"], *figures["base"]]
    return float(np.mean([item["said"] == item["truth"] for item in items]))


class PowerCut(Exception):
    """The end of a process, as far as a retraining can tell."""


class Fragile(JsonWatcher):
    """Ends a retraining after an epoch."""

    def __init__(self, after: int) -> None:
        super().__init__(io.StringIO())
        self._after = after

    def epoch(self, number: int, epochs: int, loss: float, accuracy: float) -> None:
        if number == self._after:
            raise PowerCut


def test_a_killed_retraining_goes_on_and_gives_the_same_bytes(
    base: Path, honest: Candidate, tmp_path: Path
) -> None:
    order = ordered(base, honest.snapshot, tmp_path / "work")
    for epoch in (2, 8):
        with pytest.raises(PowerCut):
            retrain(order, Fragile(epoch))
    said = io.StringIO()
    again = retrain(order, JsonWatcher(said))
    first = next(line for line in map(json.loads, said.getvalue().splitlines()) if line["epoch"])
    assert first["epoch"] == 9
    assert again.content == honest.made.content


def test_windows_of_another_front_end_are_refused_by_name(
    base: Path, honest: Candidate, tmp_path: Path
) -> None:
    snapshot = write_snapshot(tmp_path / "other", reviewed(), "b" * 64)
    with pytest.raises(
        SnapshotError, match=f"front end bbbbbbbbbbbb, the base from {starter().frontend_digest[:12]}"
    ):
        retrain(ordered(base, snapshot, tmp_path / "work"), JsonWatcher(io.StringIO()))
    path = tmp_path / "candidate.bundle"
    path.write_bytes(honest.made.content)
    with pytest.raises(SnapshotError, match="hears through front end"):
        judge(read_bundle(path), path, read_base(base), read_snapshot(snapshot), lambda *_: None)


@pytest.mark.parametrize(("split", "use"), [("training", "judge by"), ("validation", "learn from")])
def test_a_new_label_needs_windows_of_both_kinds(base: Path, split: str, use: str, tmp_path: Path) -> None:
    snapshot = write_snapshot(tmp_path / "thin", [window(NEW, 1, split)], starter().frontend_digest)
    with pytest.raises(SnapshotError, match=f"'go' has no window to {use}"):
        retrain(ordered(base, snapshot, tmp_path / "work"), JsonWatcher(io.StringIO()))
