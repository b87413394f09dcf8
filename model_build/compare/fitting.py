"""Which recipe a folder is for, when nobody says."""

import contextlib
from pathlib import Path

from model_build.dataset import find_corpus
from model_build.errors import DatasetError, RecipeError
from model_build.recipe import Recipe, load_recipe, recipe_names


def fitting_recipe(name_or_path: str | None, folder: Path) -> Recipe:
    """The recipe of that name, or the only one whose clips ``folder`` holds."""
    if name_or_path is not None:
        return load_recipe(name_or_path)
    fitting = []
    for name in recipe_names():
        with contextlib.suppress(DatasetError, RecipeError):
            recipe = load_recipe(name)
            find_corpus(recipe, folder)
            fitting.append(recipe)
    if len(fitting) != 1:
        found = " and ".join(recipe.name for recipe in fitting) or "no recipe"
        raise DatasetError(f"{folder}: {found} would fit; say which with --recipe")
    return fitting[0]
