"""What a folder of recordings holds, and the recordings themselves, decoded once."""

import contextlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from contract.audio import RATE_HZ
from model_build.audio_file import Decoded
from model_build.checks.finding import Finding
from model_build.checks.reading import Reading
from model_build.cuts import Span, cut, fit
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
    group: str = ""
    """Who or what was recorded, if known: all of it belongs into one split."""
    span: Span | None = None
    """The part that is labelled; none: all of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Corpus:
    """A data set as its loader found it."""

    name: str
    licence: str
    source: str
    clips: tuple[Clip, ...]
    noises: tuple[Path, ...]
    """Long recordings of nothing in particular, to mix in."""
    chosen_splits: bool = True
    """Whether somebody decided what is in which split, rather than the loader."""
    findings: tuple[Finding, ...] = ()
    """What the loader noticed without opening the recordings."""

    def splits(self) -> tuple[str, ...]:
        """Names of the splits that hold clips, in order."""
        return tuple(sorted({clip.split for clip in self.clips}))


@dataclass(frozen=True, slots=True, kw_only=True)
class Sound:
    """A decoded recording, exactly as long as the recipe's clips."""

    clip: Clip
    label: str
    pcm: Pcm
    seconds: float = 0.0
    """Length of the file that it comes from; zero if it comes from none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recordings:
    """Everything decoded, and what could not be."""

    corpus: Corpus
    sounds: tuple[Sound, ...]
    noises: tuple[Pcm, ...]
    broken: tuple[str, ...]
    """One sentence for each file that was skipped."""
    findings: tuple[Finding, ...] = ()
    """What was noticed while the files were found and read."""

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
    from model_build import clips, esc50, speech_commands

    if recipe.layout == "clips":
        return clips.find(recipe, folder)
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
    wanted = [clip for clip in _first(corpus.clips, limit) if _is_used(recipe, clip)]
    reading = Reading()
    sounds: list[Sound] = []
    noises: list[Pcm] = []
    for index, (clip, decoded) in enumerate(_decoded(wanted, reading)):
        if decoded is not None:
            parts = _parts(recipe, clip, decoded)
            if clip.word == recipe.silence:
                noises += parts
            else:
                label = label_of(recipe, clip.word) or ""
                sounds += [Sound(clip=clip, label=label, pcm=part, seconds=decoded.seconds) for part in parts]
        progress("reading clips", index + 1, len(wanted))
    noises += [decoded.pcm for path in corpus.noises if (decoded := reading.read(path))]
    if not sounds:
        first = (reading.broken() or ("no file",))[0]
        raise DatasetError(f"none of {len(wanted)} files could be read; the first: {first}")
    return Recordings(
        corpus=corpus,
        sounds=tuple(sounds),
        noises=tuple(noises),
        broken=reading.broken(),
        findings=(*corpus.findings, *reading.findings()),
    )


def _decoded(clips: Iterable[Clip], reading: Reading) -> Iterator[tuple[Clip, Decoded | None]]:
    """Each clip with its file, which is decoded once for all the clips in a row that come from it."""
    path: Path | None = None
    decoded: Decoded | None = None
    for clip in clips:
        if clip.path != path:
            path, decoded = clip.path, reading.read(clip.path)
        if decoded and clip.span and not clip.span.within(decoded.seconds):
            reading.outside(clip.path, clip.span, decoded.seconds)
            yield clip, None
        else:
            yield clip, decoded


def _parts(recipe: Recipe, clip: Clip, decoded: Decoded) -> list[Pcm]:
    """The clips that come out of one recording, or the part of it that is background."""
    samples = round(recipe.clip_s * RATE_HZ)
    if recipe.layout != "clips":
        return [fit(decoded.pcm, samples)]
    lasting = recipe.decision.clip_rule != "end" or clip.word not in recipe.targets
    return cut(decoded.pcm, clip.span, samples, lasting=lasting)


def _is_used(recipe: Recipe, clip: Clip) -> bool:
    return label_of(recipe, clip.word) is not None or clip.word == recipe.silence


def label_of(recipe: Recipe, word: str) -> str | None:
    """The recipe's label of what a data set calls ``word``; none if the recipe does without."""
    return word if word in recipe.targets else recipe.unknown


def _first(clips: Iterable[Clip], limit: int | None) -> Iterable[Clip]:
    taken: dict[tuple[str, str], int] = {}
    for clip in clips:
        key = clip.word, clip.split
        taken[key] = taken.get(key, 0) + 1
        if limit is None or taken[key] <= limit:
            yield clip
