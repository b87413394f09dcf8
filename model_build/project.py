"""A folder to begin with: a recipe for your own sounds, and a place for each label's recordings."""

import math
import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import soundfile

from contract.manifest import ANOMALY
from model_build.audio_file import SUFFIXES
from model_build.dataset import TESTING, TRAINING, VALIDATION
from model_build.errors import ModelBuildError
from model_build.recipe import FOLDER, parse_recipe, recipe_names
from model_build.recipe_text import recipe_text
from model_build.speech_commands import NOISE_FOLDER

KEYWORDS, SOUNDS = "keywords", "sounds"
UNKNOWN = "_unknown_"
SHORT_CLIP_S = 1.5
"""Up to this length clips are taken for words, above it for sounds that last."""
_LONGEST_CLIP_S = 5.0
_LSTM_STEP_S = 0.08
_COPIES = 10
_FEW: dict[str, Any] = {"epochs": 40, "batch": 32, "average_decay": 0.99}
"""A few hundred recordings make few batches: smaller ones, and an average over fewer of them."""
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
_LABEL = re.compile(r"[^\W_][\w .+-]{0,59}")
_RESERVED = {TRAINING, VALIDATION, TESTING, ANOMALY}
_ASKED_FILES = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """What was made."""

    folder: Path
    recipe: Path
    clips: Path
    like: str
    labels: tuple[str, ...]


def new_project(
    name: str, labels: Sequence[str], into: Path, *, like: str | None = None, clips: Path | None = None
) -> Project:
    """Make ``into/name`` with a recipe, a README and, unless ``clips`` are elsewhere, a folder per label.

    Without ``like`` the length of the recordings in ``clips`` decides, words if there are none.
    """
    _check_name(name)
    chosen = _check_labels(labels or (_folders(clips) if clips else ()))
    if clips and not clips.is_dir():
        raise ModelBuildError(f"{clips}: is not a folder")
    lengths = _lengths_s(clips) if clips else []
    middle_s = sorted(lengths)[len(lengths) // 2] if lengths else None
    kind = like or (SOUNDS if middle_s and middle_s > SHORT_CLIP_S else KEYWORDS)
    folder = into / name
    project = Project(
        folder=folder,
        recipe=folder / "recipe.toml",
        clips=clips or folder / "clips",
        like=kind,
        labels=chosen,
    )
    text = _recipe(name, chosen, kind, middle_s)
    _make(folder)
    project.recipe.write_text(text, encoding="utf-8")
    (folder / "README.md").write_text(_readme(project), encoding="utf-8")
    if clips is None:
        for inner in (*chosen, UNKNOWN, NOISE_FOLDER):
            (project.clips / inner).mkdir(parents=True)
    return project


def _check_name(name: str) -> None:
    if not _NAME.fullmatch(name):
        raise ModelBuildError(
            f"{name!r} cannot be a model's name: take 1 to 64 of a-z 0-9 _ - that do not begin with _ or -"
        )
    if name in recipe_names():
        raise ModelBuildError(f"{name!r} is a recipe of the factory: take another name")


def _check_labels(labels: Sequence[str]) -> tuple[str, ...]:
    if not labels:
        raise ModelBuildError("no labels: give them as --labels computer,lights,stop")
    seen: dict[str, str] = {}
    for label in labels:
        if not _LABEL.fullmatch(label) or label.endswith((" ", ".")):
            raise ModelBuildError(
                f"{label!r} cannot be a label: up to 60 letters, digits, spaces or . + - _, beginning with a "
                "letter or digit (names that begin with _ have a meaning of their own)"
            )
        if label.lower() in _RESERVED:
            raise ModelBuildError(f"{label!r} cannot be a label: the word has a meaning of its own")
        if label.lower() in seen:
            raise ModelBuildError(f"label {label!r} stands twice ({seen[label.lower()]!r} is the same)")
        seen[label.lower()] = label
    return tuple(labels)


def _folders(clips: Path) -> tuple[str, ...]:
    """Labels as folders of recordings are called."""
    inner = clips / TRAINING if (clips / TRAINING).is_dir() else clips
    if not inner.is_dir():
        return ()
    folders = (path for path in inner.iterdir() if path.is_dir())
    return tuple(sorted(path.name for path in folders if not path.name.startswith(("_", "."))))


def _lengths_s(clips: Path) -> list[float]:
    """Lengths of some of the recordings, without those of the background."""
    lengths = []
    found = (path for path in sorted(clips.rglob("*")) if path.suffix.lower() in SUFFIXES)
    paths = [p for p in found if not any(part.startswith("_") for part in p.relative_to(clips).parts)]
    for path in paths[:: max(1, len(paths) // _ASKED_FILES)]:
        try:
            about = soundfile.info(path)
        except (soundfile.LibsndfileError, OSError):
            continue
        lengths.append(about.frames / about.samplerate)
    return lengths


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True)
    except FileExistsError as error:
        raise ModelBuildError(f"{folder}: is there already; take another name, or another --into") from error
    except OSError as error:
        raise ModelBuildError(f"{folder}: cannot be made: {error.strerror or error}") from error


def _recipe(name: str, labels: tuple[str, ...], kind: str, middle_s: float | None) -> str:
    """The factory's numbers for that kind, and what is this project's own."""
    factory: dict[str, Any] = tomllib.loads((FOLDER / f"{kind}.toml").read_text())
    # The factory's own recordings without targets are not at hand here.
    factory.pop("negatives", None)
    own = {
        "name": name,
        "version": "0.1.0",
        "description": f"Recognises {', '.join(labels)}."[:500],
        "layout": "clips",
        "clip_s": factory["clip_s"],
        "targets": list(labels),
        "unknown": UNKNOWN,
        "silence": factory["silence"],
        "unlabelled": UNKNOWN,
        "unknown_part": factory["unknown_part"] or 1.0,
    }
    plain = {**own, **{key: value for key, value in factory.items() if key not in own}}
    # Minutes rather than an hour; who has time may train several and keep the best.
    plain["distillation"]["teachers"] = 0
    plain["training"]["network_seeds"] = [plain["training"]["seed"]]
    (_for_words if kind == KEYWORDS else _for_sounds)(plain, middle_s)
    parse_recipe(plain)
    head = (
        f"Every number of the model {name!r}, from the factory's recipe {kind!r}. Change what you like: "
        "the same recipe, recordings and machine give the same bundle."
    )
    return recipe_text(head, plain)


def _for_words(plain: dict[str, Any], middle_s: float | None) -> None:
    """Few recordings; and a longer word needs a longer clip, and a model that looks back as far."""
    plain["augment"]["copies"] = _COPIES
    plain["training"].update(_FEW)
    # Minutes are worth more here than the half point that teachers bring.
    plain["distillation"]["teachers"] = 0
    if middle_s and middle_s > plain["clip_s"]:
        plain["clip_s"] = math.ceil(10 * middle_s) / 10
        plain["network"]["pool_steps"] = math.ceil(plain["clip_s"] / _LSTM_STEP_S)


def _for_sounds(plain: dict[str, Any], middle_s: float | None) -> None:
    """Shorter recordings need shorter clips; what is taken from a clip must fit in it."""
    if middle_s and middle_s < _LONGEST_CLIP_S:
        plain["clip_s"] = math.ceil(10 * middle_s) / 10
        plain["augment"]["shift_s"] = plain["clip_s"] / 2
        if plain["training"].get("excerpt_s", 0.0) >= plain["clip_s"]:
            del plain["training"]["excerpt_s"]


def _readme(project: Project) -> str:
    name, recipe, clips = project.folder.name, project.recipe, project.clips
    folders = "\n".join(f"- `clips/{label}/`" for label in project.labels)
    return f"""# {name}

A model that recognises: {", ".join(project.labels)}.

1. Put recordings into `{clips}`: any length, any rate; wav, flac, ogg, opus or mp3.
   A hundred of each label are good, twenty are a beginning; from different people or places.

{folders}
- `clips/{UNKNOWN}/`: what must not be detected (other words, other sounds)
- `clips/{NOISE_FOLDER}/`: some minutes of the place where the node will hang

   Instead of folders, long recordings can be labelled: in Audacity (export the labels of `walk.wav` as
   `walk.txt` beside it), or in `clips/labels.csv` with the columns `file,label,start_s,end_s,speaker`.
   Call files `<speaker>_<n>.wav`, so that nobody's voice is both learnt and measured on.

2. Look what is wrong with them, train, and measure:

```sh
model-build check --recipe {recipe} --data {clips}
model-build train --recipe {recipe} --data {clips} --out {name}.bundle
model-build evaluate --bundle {name}.bundle --recipe {recipe} --data {clips} --report {name}.html
```

3. Let it hear: `edge-agent replay --bundle {name}.bundle FILE`, or put it into a node's settings.
"""
