"""How a folder is read for a bundle whose recipe may not be at hand."""

import dataclasses
import statistics
from collections.abc import Sequence
from pathlib import Path

import soundfile

from contract.audio import FRAMES_PER_S
from contract.manifest import Manifest, is_target
from model_build.dataset import TRAINING, Clip, Corpus, find_corpus
from model_build.errors import DatasetError
from model_build.recipe import Recipe, load_recipe, recipe_names

_ASKED_FILES = 200


def find_clips(
    manifest: Manifest, folder: Path, named: str | None, split: str | None
) -> tuple[Recipe, Corpus]:
    """The clips of ``folder`` that the bundle can be measured on, and the recipe to read them with.

    ``named`` is a recipe's name or path. Without it the one that made the bundle is taken if it comes with
    the factory; otherwise labels come from the manifest, the layout from a look at the folder, and the length
    of clips from the recordings.
    """
    recipe = load_recipe(named) if named else shipped_recipe(manifest)
    if recipe is None:
        recipe, corpus = guess_recipe(manifest, folder)
    else:
        if recipe.labels != manifest.labels:
            raise DatasetError(f"recipe {recipe.name} has other labels than {manifest.model}")
        corpus = find_corpus(recipe, folder)
    wanted = [name for name in corpus.splits() if (name == split if split else name != TRAINING)]
    if not wanted:
        found = ", ".join(corpus.splits())
        missing = f"no split {split!r}" if split else "nothing but training clips"
        raise DatasetError(f"{folder}: has {missing}; its splits: {found}")
    clips = tuple(clip for clip in corpus.clips if clip.split in wanted)
    return recipe, dataclasses.replace(corpus, clips=clips, noises=())


def shipped_recipe(manifest: Manifest) -> Recipe | None:
    """The recipe that made the bundle, if it comes with the factory and still has the bundle's labels."""
    if manifest.recipe not in recipe_names():
        return None
    recipe = load_recipe(manifest.recipe)
    return recipe if recipe.labels == manifest.labels else None


def guess_recipe(manifest: Manifest, folder: Path) -> tuple[Recipe, Corpus]:
    """A recipe that reads ``folder`` for the bundle; ``DatasetError`` if no layout fits."""
    others = [label for label in manifest.labels if not is_target(label)]
    plain = dataclasses.replace(
        load_recipe("keywords"),
        name=manifest.recipe,
        targets=tuple(label for label in manifest.labels if is_target(label)),
        unknown=others[0] if len(others) > 1 else None,
        silence=others[-1] if others else manifest.labels[-1],
        unlabelled=None,
        negatives=(),
    )
    plain = dataclasses.replace(
        plain, decision=dataclasses.replace(plain.decision, clip_rule=manifest.clip_rule)
    )
    problems = []
    for layout in ("esc50", "speech_commands", "clips"):
        recipe = dataclasses.replace(plain, layout=layout)
        try:
            corpus = find_corpus(recipe, folder)
        except DatasetError as error:
            problems.append(str(error))
            continue
        # Any folder of folders looks like Speech Commands but for the names of its files.
        if layout != "speech_commands" or any("_nohash_" in clip.path.name for clip in corpus.clips):
            return dataclasses.replace(
                recipe, clip_s=usual_length_s(corpus.clips, manifest.context_s)
            ), corpus
    raise DatasetError(f"{folder}: no layout fits ({problems[-1]})")


def usual_length_s(clips: Sequence[Clip], least_s: float) -> float:
    """Median length of the recordings in whole hops, at least ``least_s``."""
    lengths: list[float] = []
    for clip in clips[:: max(1, len(clips) // _ASKED_FILES)]:
        try:
            found = soundfile.info(clip.path)
        except (soundfile.LibsndfileError, OSError):
            continue
        lengths.append(float(found.frames / found.samplerate))
    return max(least_s, round(statistics.median(lengths or [least_s]) * FRAMES_PER_S) / FRAMES_PER_S)
