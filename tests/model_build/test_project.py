"""``model-build new`` and ``check``: from nothing to recordings that can be trained on."""

import json
from pathlib import Path

import pytest

from model_build.__main__ import main
from model_build.errors import ModelBuildError
from model_build.project import new_project
from model_build.recipe import FOLDER, load_recipe
from model_build.recipe_text import recipe_text
from tests.model_build.sounds import babble, write


def fill(clips: Path, labels: tuple[str, ...], seconds: float = 0.7, count: int = 8) -> None:
    for place, label in enumerate(labels):
        for index in range(count):
            write(clips / label / f"s{index}_1.wav", babble(1000 * place + index, seconds))


def test_a_project_has_a_recipe_and_a_place_for_everything(tmp_path: Path) -> None:
    project = new_project("wake", ["computer", "lights"], tmp_path)
    recipe = load_recipe(str(project.recipe))
    assert recipe.labels == ("computer", "lights", "_unknown_", "_silence_")
    assert recipe.layout == "clips"
    assert {path.name for path in project.clips.iterdir()} == {
        "computer",
        "lights",
        "_unknown_",
        "_background_noise_",
    }
    readme = (project.folder / "README.md").read_text()
    for command in ("check", "train", "evaluate"):
        assert f"model-build {command} " in readme
    assert str(project.recipe) in readme


@pytest.mark.parametrize("like", ["keywords", "sounds"])
def test_the_factorys_numbers_are_taken_over(tmp_path: Path, like: str) -> None:
    own = load_recipe(str(new_project("mine", ["a", "b"], tmp_path, like=like).recipe))
    factory = load_recipe(like)
    assert own.frontend == factory.frontend
    assert own.network == factory.network
    assert own.decision == factory.decision
    assert own.clip_s == factory.clip_s
    assert own.negatives == ()


def test_the_recipe_says_what_its_numbers_mean(tmp_path: Path) -> None:
    text = new_project("mine", ["a", "b"], tmp_path).recipe.read_text()
    assert "# Label of everything that is sound but no target.\nunknown = " in text
    assert "# How the weights are found.\n[training]" in text
    assert max(len(line) for line in text.splitlines()) <= 110


def test_any_recipe_can_be_written_and_read_again(tmp_path: Path) -> None:
    import tomllib

    for name in ("keywords", "sounds"):
        plain = tomllib.loads((FOLDER / f"{name}.toml").read_text())
        plain.pop("negatives", None)
        text = recipe_text(
            'A "head" of some length. ' * 9, {**plain, "description": 'says "no\\yes"\n\u00e4'}
        )
        assert tomllib.loads(text) == {**plain, "description": 'says "no\\yes"\n\u00e4'}


@pytest.mark.parametrize(
    ("seconds", "like", "clip_s"), [(0.7, "keywords", 1.0), (1.4, "keywords", 1.4), (3.0, "sounds", 3.0)]
)
def test_recordings_that_are_there_choose_kind_and_length(
    tmp_path: Path, seconds: float, like: str, clip_s: float
) -> None:
    fill(tmp_path / "mine", ("bark", "meow"), seconds, count=3)
    project = new_project("pets", [], tmp_path, clips=tmp_path / "mine")
    recipe = load_recipe(str(project.recipe))
    assert (project.like, recipe.clip_s, recipe.targets) == (like, clip_s, ("bark", "meow"))
    assert recipe.training.excerpt_s is None or recipe.training.excerpt_s < recipe.clip_s
    assert recipe.network.pool_steps * 0.08 >= min(recipe.clip_s, 2.0)
    assert not (project.folder / "clips").exists()


@pytest.mark.parametrize(
    ("name", "labels", "message"),
    [
        ("Wake", ["a"], "cannot be a model's name"),
        ("", ["a"], "cannot be a model's name"),
        ("../wake", ["a"], "cannot be a model's name"),
        ("keywords", ["a"], "recipe of the factory"),
        ("wake", [], "no labels"),
        ("wake", ["a", "b", "A"], "stands twice"),
        ("wake", ["_silence_"], "cannot be a label"),
        ("wake", ["a/b"], "cannot be a label"),
        ("wake", [".."], "cannot be a label"),
        ("wake", ["x" * 61], "cannot be a label"),
        ("wake", ["training"], "meaning of its own"),
    ],
)
def test_what_cannot_be_is_refused_and_nothing_made(
    tmp_path: Path, name: str, labels: list[str], message: str
) -> None:
    with pytest.raises(ModelBuildError, match=message):
        new_project(name, labels, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_there_is_left_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "wake").mkdir()
    assert main(["new", "wake", "--labels", "a,b", "--into", str(tmp_path)]) == 1
    assert "is there already" in capsys.readouterr().err
    assert list((tmp_path / "wake").iterdir()) == []


def test_new_and_check_speak_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["new", "wake", "--labels", "lights, stop", "--into", str(tmp_path), "--json"]) == 0
    made = json.loads(capsys.readouterr().out)
    assert made["labels"] == ["lights", "stop"]
    check = ["check", "--recipe", made["recipe"], "--data", made["clips"], "--json"]
    assert main(check) == 1
    empty = json.loads(capsys.readouterr().out)
    assert not empty["trainable"]
    assert empty["findings"][0]["severity"] == "error"
    fill(Path(made["clips"]), ("lights", "stop", "_unknown_"))
    assert main(check) == 0
    filled = json.loads(capsys.readouterr().out)
    assert filled["trainable"]
    assert sum(filled["clips"]["lights"].values()) == 8
    kinds = {finding["kind"] for finding in filled["findings"]}
    assert kinds == {"few", "no-noise", "empty"}


def test_check_shows_errors_to_people(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    project = new_project("wake", ["lights", "stop"], tmp_path)
    fill(project.clips, ("lights",))
    fill(project.clips, ("stop",), count=2)
    assert main(["check", "--recipe", str(project.recipe), "--data", str(project.clips)]) == 1
    shown = capsys.readouterr().err
    assert "stop (1)" in shown
    assert "must be put right" in shown


def test_broken_recordings_stop_a_training_before_it_begins(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    project = new_project("wake", ["lights", "stop"], tmp_path)
    fill(project.clips, ("lights", "stop"))
    for path in sorted((project.clips / "stop").iterdir())[3:]:
        path.write_bytes(b"broken")
    out = tmp_path / "wake.bundle"
    assert (
        main(["train", "--recipe", str(project.recipe), "--data", str(project.clips), "--out", str(out)]) == 1
    )
    assert "stop (" in capsys.readouterr().err
    assert not out.exists()
