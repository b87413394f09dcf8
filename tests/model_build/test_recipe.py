import tomllib
from pathlib import Path

import pytest

from model_build.errors import RecipeError
from model_build.recipe import FOLDER, load_recipe, parse_recipe


def test_the_labels_are_those_of_the_product() -> None:
    assert load_recipe("keywords").labels == (
        "yes", "no", "up", "down", "left", "right", "go", "_unknown_", "_silence_",
    )  # fmt: skip
    sounds = load_recipe("sounds")
    assert len(sounds.labels) == 11
    assert sounds.labels[-1] == "_background_"


def test_a_recipe_may_be_a_file(tmp_path: Path) -> None:
    path = tmp_path / "own.toml"
    path.write_text((FOLDER / "keywords.toml").read_text().replace('name = "keywords"', 'name = "own"'))
    assert load_recipe(str(path)).name == "own"


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (lambda plain: plain.pop("targets"), "'targets' is missing"),
        (lambda plain: plain["training"].pop("epochs"), "training: 'epochs' is missing"),
        (lambda plain: plain["augment"].update(colour=1), "augment: unknown key 'colour'"),
        (lambda plain: plain.update(layout="tape"), "layout must be"),
        (lambda plain: plain.update(network=3), "network: must be a table"),
        (lambda plain: plain.update(silence="yes"), "stands twice"),
    ],
)
def test_a_wrong_recipe_is_refused_with_the_place(change, complaint: str) -> None:
    plain = tomllib.loads((FOLDER / "keywords.toml").read_text())
    change(plain)
    with pytest.raises(RecipeError, match=complaint):
        parse_recipe(plain)


def test_an_unknown_recipe_is_answered_with_those_there_are() -> None:
    with pytest.raises(RecipeError, match="keywords, sounds"):
        load_recipe("birds")


def test_a_file_that_is_no_toml_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "bad.toml"
    path.write_text("a = [")
    with pytest.raises(RecipeError, match=r"bad\.toml"):
        load_recipe(str(path))
