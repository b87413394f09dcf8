"""What a folder of recordings holds, and the recordings themselves, decoded once."""

import contextlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from contract.audio import RATE_HZ
from model_build.audio_file import read_pcm
from model_build.errors import DatasetError
from model_build.recipe import Recipe

TRAINING, VALIDATION, TESTING = "training", "validation", "testing"

Pcm = NDArray[np.int16]
Progress = Callable[[str, int, int], None]
"""Told what is being done, how much of it is done, and how much there is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Clip:
    """A labelled recording that has not been opened yet."""

    path: Path
    word: str
    """What the data set calls it; the recipe decides which of its labels that is."""
    split: str
    """``training``, ``validation`` or ``testing``, or the number of a fold."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Corpus:
    """A data set as its loader found it."""

    name: str
    licence: str
    source: str
    clips: tuple[Clip, ...]
    noises: tuple[Path, ...]
    """Long recordings of nothing in particular, to mix in."""

    def splits(self) -> tuple[str, ...]:
        """Names of the splits that hold clips, in order."""
        return tuple(sorted({clip.split for clip in self.clips}))


@dataclass(frozen=True, slots=True, kw_only=True)
class Sound:
    """A decoded recording, exactly as long as the recipe's clips."""

    clip: Clip
    label: str
    pcm: Pcm


@dataclass(frozen=True, slots=True, kw_only=True)
class Recordings:
    """Everything decoded, and what could not be."""

    corpus: Corpus
    sounds: tuple[Sound, ...]
    noises: tuple[Pcm, ...]
    broken: tuple[str, ...]
    """One sentence for each file that was skipped."""

    def of(self, *splits: str) -> tuple[Sound, ...]:
        """Sounds of these splits."""
        return tuple(sound for sound in self.sounds if sound.clip.split in splits)


def find_corpus(recipe: Recipe, folder: Path) -> Corpus:
    """What ``folder``, or the one folder in it that fits, holds for ``recipe``.

    ``DatasetError`` if that is not enough.
    """
    if not folder.is_dir():
        raise DatasetError(f"{folder}: is not a folder")
    try:
        return _corpus_in(recipe, folder)
    except DatasetError:
        fitting = list(_fitting(recipe, folder))
        if len(fitting) != 1:
            raise
        return fitting[0]


def _fitting(recipe: Recipe, folder: Path) -> Iterator[Corpus]:
    for inner in sorted(path for path in folder.iterdir() if path.is_dir()):
        with contextlib.suppress(DatasetError):
            yield _corpus_in(recipe, inner)


def _corpus_in(recipe: Recipe, folder: Path) -> Corpus:
    from model_build import esc50, speech_commands

    loader = {"speech_commands": speech_commands.find, "esc50": esc50.find}[recipe.layout]
    corpus = loader(folder)
    known = {clip.word for clip in corpus.clips}
    missing = [label for label in recipe.targets if label not in known]
    if missing:
        raise DatasetError(f"{folder}: no clip of {', '.join(missing)}, which recipe {recipe.name} needs")
    return corpus


def load_recordings(
    recipe: Recipe, corpus: Corpus, progress: Progress, limit: int | None = None
) -> Recordings:
    """Decode ``corpus``, at most ``limit`` clips of each word and split; broken files are left out."""
    clips = [clip for clip in _first(corpus.clips, limit) if label_of(recipe, clip.word)]
    sounds, noises, broken = [], [], []
    for index, clip in enumerate(clips):
        try:
            pcm = fit(read_pcm(clip.path), round(recipe.clip_s * RATE_HZ))
            sounds.append(Sound(clip=clip, label=label_of(recipe, clip.word) or "", pcm=pcm))
        except DatasetError as error:
            broken.append(str(error))
        progress("reading clips", index + 1, len(clips))
    for path in corpus.noises:
        try:
            noises.append(read_pcm(path))
        except DatasetError as error:
            broken.append(str(error))
    if not sounds:
        first = (broken or ["no file"])[0]
        raise DatasetError(f"none of {len(clips)} files could be read; the first: {first}")
    return Recordings(corpus=corpus, sounds=tuple(sounds), noises=tuple(noises), broken=tuple(broken))


def label_of(recipe: Recipe, word: str) -> str | None:
    """The recipe's label of what a data set calls ``word``; none if the recipe does without."""
    return word if word in recipe.targets else recipe.unknown


def fit(pcm: Pcm, samples: int) -> Pcm:
    """``pcm`` cut to ``samples``, or filled up with zeros at the end.

    >>> fit(np.array([1, 2, 3], np.int16), 4).tolist()
    [1, 2, 3, 0]
    """
    return np.pad(pcm[:samples], (0, max(0, samples - pcm.size)))


def _first(clips: Iterable[Clip], limit: int | None) -> Iterable[Clip]:
    taken: dict[tuple[str, str], int] = {}
    for clip in clips:
        key = clip.word, clip.split
        taken[key] = taken.get(key, 0) + 1
        if limit is None or taken[key] <= limit:
            yield clip
