"""Whole comparisons on made-up recordings."""

import dataclasses
import json
import shutil
from pathlib import Path

import pytest

from contract.bundle import read_bundle
from contract.manifest import PREPROCESS
from model_build.__main__ import main
from model_build.compare.compare import Order, compare
from model_build.compare.names import MODELS
from model_build.compare.results import Store
from model_build.errors import ModelBuildError
from model_build.recipe import Recipe, load_recipe
from model_build.runtime import Frontend


def order(data: Path, out: Path, recipe: Recipe | None = None, **changes: object) -> Order:
    recipe = recipe or load_recipe("keywords")
    recipe = dataclasses.replace(recipe, augment=dataclasses.replace(recipe.augment, copies=1))
    plain = {
        "recipe": recipe,
        "data": data,
        "out": out,
        "models": ("templates", "tree"),
        "seeds": 1,
        "limit": 4,
        "negatives": data,
        "stream": None,
    }
    return Order(**{**plain, **changes})  # type: ignore[arg-type]


def silent(_what: str, _done: int, _total: int) -> None:
    pass


@pytest.fixture(scope="module")
def frontend(models: Path) -> Frontend:
    """A front end that need not be converted first."""
    return Frontend(read_bundle(models / "keywords.bundle").files[PREPROCESS])


def kept(out: Path) -> dict[str, tuple[object, ...]]:
    """What each model said, without what a clock measured."""
    plain = {path.name: json.loads(path.read_text()) for path in (out / "results").glob("*-seed-*")}
    return {name: (one["said"], one["settings"], one["alarms"]) for name, one in plain.items()}


def test_an_interrupted_comparison_ends_with_the_same_results(
    commands: Path, tmp_path: Path, frontend: Frontend
) -> None:
    def interrupt(what: str, _done: int, _total: int) -> None:
        if what.startswith("[2/2]"):
            raise KeyboardInterrupt

    asked = order(commands, tmp_path / "resumed")
    with pytest.raises(KeyboardInterrupt):
        compare(asked, interrupt, frontend)
    assert len(kept(asked.out)) == 1
    before = {path: path.stat().st_mtime_ns for path in (asked.out / "results").iterdir()}
    resumed = compare(asked, silent, frontend)
    assert all(path.stat().st_mtime_ns == stamp for path, stamp in before.items())
    whole = compare(dataclasses.replace(asked, out=tmp_path / "whole"), silent, frontend)
    assert kept(asked.out) == kept(tmp_path / "whole")
    assert [row.runs for row in resumed.rows] == [row.runs for row in whole.rows]
    assert {path.name for path in asked.out.iterdir()} == {
        "compare.json", "compare.md", "plot.svg", "report.html", "results",
    }  # fmt: skip


def test_words_that_are_tones_are_told_apart_by_templates(
    commands: Path, tmp_path: Path, frontend: Frontend
) -> None:
    compared = compare(order(commands, tmp_path / "out", models=("templates",)), silent, frontend)
    (row,) = compared.rows
    assert row.runs.value > 0.5
    assert row.lead is None
    assert row.alarms_per_hour is None
    assert any("speech_sentences" in sentence for sentence in compared.broken)


def test_folds_are_left_out_in_turn(esc10: Path, tmp_path: Path, frontend: Frontend) -> None:
    dogs = dataclasses.replace(load_recipe("sounds"), targets=("dog",))
    asked = order(esc10, tmp_path / "out", dogs, models=("svm", "templates"), limit=None)
    compared = compare(asked, silent, frontend)
    assert [(row.model, row.trainings, row.clip_count) for row in compared.rows] == [
        ("svm", 2, 4),
        ("templates", 2, 4),
    ]


def test_a_stream_is_listened_to_but_for_broken_files(
    commands: Path, tmp_path: Path, frontend: Frontend
) -> None:
    stream = tmp_path / "stream"
    shutil.copytree(commands / "_background_noise_", stream)
    (stream / "torn.wav").write_bytes(b"RIFF")
    asked = order(commands, tmp_path / "out", models=("tree",), stream=stream)
    compared = compare(asked, silent, frontend)
    assert any("torn.wav" in sentence for sentence in compared.broken)
    assert compared.rows[0].alarms_per_hour is not None
    assert compared.plain["stream_hours"] == pytest.approx(3 / 3600, rel=0.03)


def test_what_cannot_be_compared_is_said_at_once(
    commands: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    assert main(["compare", "--data", str(empty), "--out", str(tmp_path / "out")]) == 1
    assert "--recipe" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main(["compare", "--data", str(commands), "--models", "svm,oracle"])
    assert "oracle" in capsys.readouterr().err
    with pytest.raises(ModelBuildError, match="cannot be made"):
        Store(commands / "training" / "yes" / "00000000_nohash_0.wav")


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.filterwarnings("ignore")  # TensorFlow's own
def test_every_model_takes_part(commands: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out"
    asked = ["compare", "--data", str(commands), "--out", str(out), "--seeds", "1", "--limit", "2"]
    assert main([*asked, "--epochs", "1", "--copies", "1", "--json"]) == 0
    report = json.loads(capfd.readouterr().out.strip().splitlines()[-1])
    assert [row["model"] for row in report["models"]] == list(MODELS)
    for row in report["models"]:
        assert 0.0 <= row["accuracy"] <= 1.0
        assert row["forms"], row["model"]
        assert all(form["size_bytes"] > 0 and form["stream_ms"] > 0 for form in row["forms"])
    assert report["models"][0]["forms"][0]["name"] == "int8, streaming"
    assert report["models"][0]["cost_ratio"] == 1.0
