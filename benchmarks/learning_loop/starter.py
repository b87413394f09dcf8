"""The starter: a model that the factory makes of people who never say the new word, and its base archive."""

import dataclasses
import hashlib
import json
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.learning_loop.people import RECIPE, Parts
from model_build.dataset import TRAINING, VALIDATION, Clip
from model_build.recipe import FOLDER
from model_build.recipe_text import recipe_text
from model_build.speech_commands import NOISE_FOLDER


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """How much work the starter's training may be; the factory's own numbers take an hour."""

    epochs: int
    copies: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Starter:
    """What the factory made."""

    bundle: Path
    base: Path
    made_now: bool
    """Whether it was trained just now, rather than found in the work folder."""


def starter(parts: Parts, negatives: Path, budget: Budget, work: Path) -> Starter:
    """The starter in ``work``; trained if another one, or none, lies there."""
    made = work / "starter.json"
    bundle, base = work / "starter.bundle", work / "starter.base"
    key = _key(parts, budget)
    if made.is_file() and json.loads(made.read_text()) == key and bundle.is_file() and base.is_file():
        return Starter(bundle=bundle, base=base, made_now=False)
    made.unlink(missing_ok=True)
    recordings = work / "recordings"
    _lay_out(parts, recordings)
    recipe = work / "starter.toml"
    recipe.write_text(_recipe(parts.targets))
    subprocess.run(
        [sys.executable, "-m", "model_build", "train", "--recipe", str(recipe), "--data", str(recordings),
         "--negatives", str(negatives), "--out", str(bundle), "--base", str(base),
         "--epochs", str(budget.epochs), "--copies", str(budget.copies)],
        check=True, stdout=subprocess.DEVNULL,
    )  # fmt: skip
    made.write_text(json.dumps(key))
    return Starter(bundle=bundle, base=base, made_now=True)


def negatives_of(data: Path) -> Path:
    """Where the recipe's recordings without targets are: in the data set's folder, or beside it."""
    plain = tomllib.loads((FOLDER / f"{RECIPE}.toml").read_text())
    inside = any((data / table["folder"]).is_dir() for table in plain["negatives"])
    return data if inside else data.resolve().parent


def _lay_out(parts: Parts, recordings: Path) -> None:
    """A folder per split and word that leads to the recordings; nothing is copied."""
    shutil.rmtree(recordings, ignore_errors=True)
    for split, clips in ((TRAINING, parts.learned), (VALIDATION, parts.steering)):
        for clip in clips:
            _link(clip.path, recordings / split / clip.word)
    for noise in parts.noises:
        _link(noise, recordings / NOISE_FOLDER)


def _link(path: Path, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / path.name).symlink_to(path.resolve())


def _recipe(targets: Sequence[str]) -> str:
    """The factory's recipe for these targets, without teachers: half a point for twice the time."""
    plain = tomllib.loads((FOLDER / f"{RECIPE}.toml").read_text())
    plain["targets"] = list(targets)
    plain["distillation"]["teachers"] = 0
    return recipe_text("The recipe of a starter that lacks a label.", plain)


def _key(parts: Parts, budget: Budget) -> dict[str, object]:
    """All that the starter depends on."""
    used = hashlib.sha256()
    for clip in (*parts.learned, *parts.steering):
        used.update(_name(clip).encode())
    return {**dataclasses.asdict(budget), "targets": list(parts.targets), "clips": used.hexdigest()}


def _name(clip: Clip) -> str:
    return f"{clip.word}/{clip.path.name}\n"
