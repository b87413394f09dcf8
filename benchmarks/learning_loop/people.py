"""Whose clips are for what: nobody's voice is in two parts of the benchmark."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from model_build.dataset import TRAINING, Clip, find_corpus
from model_build.errors import DatasetError
from model_build.recipe import load_recipe

RECIPE = "keywords"
REPLAYED_PART, STEERING_PART = 0.14, 0.10
"""Parts of the training speakers whose clips the fleet plays, and by which the starter is judged."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """The clips of a data set, by what they are for."""

    learned: tuple[Clip, ...]
    """The starter learns from these; none of the new label."""
    steering: tuple[Clip, ...]
    """The starter's thresholds, and the gate's old labels, are judged by these; none of the new label."""
    replayed: tuple[Clip, ...]
    """What the fleet plays, the new label too."""
    exam: tuple[Clip, ...]
    """What starter and candidate are compared on in the end; nothing before has heard it."""
    noises: tuple[Path, ...]
    targets: tuple[str, ...]
    """What the starter knows."""


def divide(data: Path, new_label: str) -> Parts:
    """The parts of a data set in the layout of Speech Commands; ``DatasetError`` if it lacks the label."""
    recipe = load_recipe(RECIPE)
    corpus = find_corpus(recipe, data)
    if new_label not in {clip.word for clip in corpus.clips}:
        raise DatasetError(f"{data}: no clip of {new_label!r}")
    training = [clip for clip in corpus.clips if clip.split == TRAINING]
    by_use: dict[str, list[Clip]] = {"learned": [], "steering": [], "replayed": []}
    for clip in training:
        by_use[_use(clip.group)].append(clip)
    return Parts(
        learned=_without(by_use["learned"], new_label),
        steering=_without(by_use["steering"], new_label),
        replayed=tuple(by_use["replayed"]),
        exam=tuple(clip for clip in corpus.clips if clip.split != TRAINING),
        noises=corpus.noises,
        targets=tuple(label for label in recipe.targets if label != new_label),
    )


def _use(speaker: str) -> str:
    place = int(hashlib.sha256(f"loop {speaker}".encode()).hexdigest()[:8], 16) / 16**8
    if place < REPLAYED_PART:
        return "replayed"
    return "steering" if place < REPLAYED_PART + STEERING_PART else "learned"


def _without(clips: Iterable[Clip], label: str) -> tuple[Clip, ...]:
    return tuple(clip for clip in clips if clip.word != label)
