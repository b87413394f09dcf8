"""Experiments of the learning curve from recordings: who has learned what, what a fleet hears, what is asked.

A starter has never heard two of the labels. The pool of windows is what a fleet hears of all labels, among
twice as much that is none of them. No speaker and no source recording is in two of starter, pool and exam.
"""

import dataclasses
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from contract.audio import FRAMES_PER_S, RATE_HZ
from model_build.augment import Augmenter
from model_build.dataset import VALIDATION, Corpus, Progress, Sound, find_corpus, load_recordings
from model_build.errors import DatasetError
from model_build.evaluate import step_levels_db
from model_build.examples import whole_steps
from model_build.export import export_frontend
from model_build.recipe import Recipe, load_recipe
from model_build.retrain.curve import Experiment, PoolWindow
from model_build.retrain.excerpts import best_start
from model_build.retrain.hearing import Clip
from model_build.runtime import Frontend
from model_build.shape import STEP_FRAMES

WITHHELD = 2
NODES = 8
NONE_PART = 2.0
"""Windows in the pool that are none of the labels, for each that is one: most of what a fleet sends."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """What is done with recordings of one layout. Amounts are clips of a label; none: all there are."""

    recipe: str
    excerpt_s: float | None
    """Where it is shorter than the recipe's, it shortens a training."""
    window_s: float
    """A window is cut from each clip of the pool, where it is loudest: a node sends it for a reason."""
    starter_epochs: int
    retrain_epochs: int
    starter: int | None = None
    pool: int | None = None
    exam: int | None = None
    read: int | None = None


KINDS = (
    Kind(recipe="sounds", excerpt_s=2.6, window_s=2.4, starter_epochs=80, retrain_epochs=40),
    Kind(
        recipe="keywords", excerpt_s=None, window_s=1.04, starter_epochs=100, retrain_epochs=30,
        starter=30, pool=16, exam=30, read=120,
    ),
)  # fmt: skip
SMALL = "sounds"
"""Network and batches of this recipe serve all: it learns from few clips, in seconds."""


class Pools:
    """The recordings as features, and the experiments made of them."""

    def __init__(self, data: Path, progress: Progress) -> None:
        """Takes the first of ``KINDS`` that ``data`` suits; ``DatasetError`` if none does."""
        self._kind, self.recipe, corpus = _fitting(data)
        self._recordings = load_recordings(self.recipe, corpus, progress, self._kind.read)
        self._preprocess = export_frontend(self.recipe.frontend)
        self._frontend = Frontend(self._preprocess)
        self._sounds = self._recordings.sounds
        self._features = []
        for index, sound in enumerate(self._sounds):
            self._features.append(self._frontend.features(whole_steps(sound.pcm)))
            progress("hearing the clips", index + 1, len(self._sounds))
        splits = sorted({sound.clip.split for sound in self._sounds})
        self._exams = [VALIDATION] if VALIDATION in splits else splits

    def experiments(self, runs: int) -> Iterator[Experiment]:
        """So many; each withholds other labels, and held-out parts take turns."""
        for run in range(runs):
            yield self.experiment(run, self._exams[run % len(self._exams)])

    def experiment(self, seed: int, exam: str) -> Experiment:
        """The experiment of a seed that is examined on the split ``exam``."""
        draw = np.random.default_rng([seed, zlib.crc32(exam.encode())])
        recipe, kind = self.recipe, self._kind
        withheld = tuple(draw.choice(recipe.targets, WITHHELD, replace=False).tolist())
        of_starter, of_pool = self._parted(draw, exam)
        of_exam = [i for i, sound in enumerate(self._sounds) if sound.clip.split == exam]
        known = [i for i in of_starter if self._sounds[i].label not in withheld]
        known = self._some(known, kind.starter, draw)
        labels = [self._sounds[i].label for i in known]
        quiet = self._nothing(draw, len(known) // len(set(labels)) + 1)
        return Experiment(
            recipe=recipe,
            withheld=withheld,
            preprocess=self._preprocess,
            known=np.stack([*(self._features[i] for i in known), *quiet]),
            known_labels=(*labels, *([recipe.silence] * len(quiet))),
            pool=tuple(self._pool(self._some(of_pool, kind.pool, draw), draw)),
            exam=tuple(self._clip(i) for i in self._some(of_exam, kind.exam, draw)),
            starter_epochs=kind.starter_epochs,
            retrain_epochs=kind.retrain_epochs,
        )

    def _parted(self, draw: np.random.Generator, exam: str) -> tuple[list[int], list[int]]:
        """Clips for the starter, and for the fleet: one of the other folds, or half of the speakers."""
        others = [(i, _source(sound)) for i, sound in enumerate(self._sounds) if sound.clip.split != exam]
        sources = sorted({source for _, source in others})
        count = 1 if exam.isdigit() else len(sources) // 2
        chosen = {sources[place] for place in draw.permutation(len(sources))[:count]}
        return (
            [i for i, source in others if source in chosen],
            [i for i, source in others if source not in chosen],
        )

    def _some(self, clips: Sequence[int], most: int | None, draw: np.random.Generator) -> list[int]:
        """At most so many clips of each label, three times as many of what is none of them."""
        by_label: dict[str, list[int]] = {}
        for index in draw.permutation(clips).tolist():
            by_label.setdefault(self._sounds[index].label, []).append(index)
        unknown = self.recipe.unknown
        return sorted(
            index
            for label, found in by_label.items()
            for index in found[: None if most is None else most * (3 if label == unknown else 1)]
        )

    def _pool(self, clips: Sequence[int], draw: np.random.Generator) -> Iterator[PoolWindow]:
        length = round(self._kind.window_s * FRAMES_PER_S) // STEP_FRAMES * STEP_FRAMES
        targets = 0
        for index in clips:
            label = self._sounds[index].label
            known = label in self.recipe.targets
            targets += known
            start = max(0, best_start(self._features[index], length, None))
            frames = self._features[index][start : start + length]
            yield PoolWindow(frames=frames, label=label if known else None, node=f"node-{index % NODES}")
        quiet = max(0, round(NONE_PART * targets) - (len(clips) - targets))
        for index, frames in enumerate(self._nothing(draw, quiet)):
            yield PoolWindow(frames=frames[:length], label=None, node=f"node-{index % NODES}")

    def _nothing(self, draw: np.random.Generator, count: int) -> list[NDArray[np.int8]]:
        augmenter = Augmenter(self.recipe.augment, self._recordings.noises, draw)
        samples = round(self.recipe.clip_s * RATE_HZ)
        return [self._frontend.features(whole_steps(augmenter.silence(samples))) for _ in range(count)]

    def _clip(self, index: int) -> Clip:
        sound = self._sounds[index]
        levels_db = step_levels_db(whole_steps(sound.pcm))
        return Clip(label=sound.label, features=self._features[index], levels_db=levels_db)


def _source(sound: Sound) -> str:
    """What must not be in two parts: the fold of a data set that has folds, else the speaker."""
    return sound.clip.split if sound.clip.split.isdigit() else sound.clip.group


def _fitting(data: Path) -> tuple[Kind, Recipe, Corpus]:
    reasons = []
    for kind in KINDS:
        recipe = load_recipe(kind.recipe)
        try:
            corpus = find_corpus(recipe, data)
        except DatasetError as error:
            reasons.append(str(error))
        else:
            return kind, _quick(recipe, kind), corpus
    raise DatasetError("; ".join(reasons))


def _quick(recipe: Recipe, kind: Kind) -> Recipe:
    small = load_recipe(SMALL)
    training = dataclasses.replace(
        recipe.training, network_seeds=(1,), excerpt_s=kind.excerpt_s, batch=small.training.batch
    )
    return dataclasses.replace(recipe, training=training, network=small.network)
