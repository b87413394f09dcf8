"""From recordings to a bundle: read, vary, train, export, prove, judge, pack."""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from contract.audio import RATE_HZ
from contract.manifest import DataSet
from model_build import parity
from model_build.augment import Augmenter
from model_build.bundle import make_bundle
from model_build.dataset import (
    TRAINING,
    VALIDATION,
    Progress,
    Recordings,
    Sound,
    find_corpus,
    load_recordings,
)
from model_build.errors import DatasetError
from model_build.evaluate import Heard, Score, hear, score
from model_build.examples import ExampleMaker, ExampleSet
from model_build.export import export_classifier, export_frontend
from model_build.network import Network
from model_build.recipe import Recipe
from model_build.runtime import Classifier, Frontend
from model_build.thresholds import choose_thresholds
from model_build.train import train

CALIBRATION_CLIPS = 200
PARITY_CLIPS = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Built:
    """A bundle and how it came about."""

    content: bytes
    score: Score
    broken: tuple[str, ...]
    """One sentence for each file that was skipped."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Fitted:
    network: Network
    classifier: bytes
    features: NDArray[np.int8]


def build(recipe: Recipe, folder: Path, progress: Progress, limit: int | None = None) -> Built:
    """The bundle that ``recipe`` makes of the recordings in ``folder``."""
    recordings = load_recordings(recipe, find_corpus(recipe, folder), progress, limit)
    preprocess = export_frontend(recipe.frontend)
    worst_db = parity.check_frontend(Frontend(preprocess), recipe.frontend)
    shop = _Workshop(recipe, recordings, preprocess, progress)
    if recipe.layout == "esc50":
        learned = recordings.sounds
        copies = shop.vary(learned)
        heard = shop.cross_validate(learned, copies)
        fitted = shop.fit(copies, "")
    else:
        learned = shop.split(TRAINING)
        fitted = shop.fit(shop.vary(learned), "")
        heard = shop.hear(fitted.classifier, shop.split(VALIDATION))
    agreement = parity.check_classifier(
        fitted.network, Classifier(fitted.classifier), list(fitted.features[:PARITY_CLIPS])
    )
    result = score(heard, recipe.labels, recipe.decision)
    corpus = recordings.corpus
    content = make_bundle(
        recipe,
        preprocess,
        fitted.classifier,
        thresholds=choose_thresholds(heard, (), recipe.labels, recipe.decision),
        metrics={**_metrics(result, len(learned)), **agreement, "parity_frontend_db": worst_db},
        datasets=[
            DataSet(name=corpus.name, licence=corpus.licence, source=corpus.source, clips=len(learned)),
        ],
    )
    return Built(content=content, score=result, broken=recordings.broken)


class _Workshop:
    """The recordings of one build and what is done with them."""

    def __init__(self, recipe: Recipe, recordings: Recordings, preprocess: bytes, progress: Progress) -> None:
        self._recipe, self._recordings, self._progress = recipe, recordings, progress
        self._preprocess = preprocess

    def split(self, name: str) -> tuple[Sound, ...]:
        """Sounds of a split that must not be empty."""
        sounds = self._recordings.of(name)
        if not sounds:
            raise DatasetError(f"no clip of the split {name!r} could be read")
        return sounds

    def vary(self, sounds: Sequence[Sound]) -> list[ExampleSet]:
        """All augmented copies of ``sounds``."""
        draw = np.random.default_rng(self._recipe.training.seed)
        augmenter = Augmenter(self._recipe.augment, self._recordings.noises, draw)
        maker = ExampleMaker(self._recipe, augmenter, Frontend(self._preprocess), draw)
        return list(maker.copies(sounds, self._progress))

    def cross_validate(self, sounds: Sequence[Sound], copies: Sequence[ExampleSet]) -> list[Heard]:
        """Each fold heard by a model that was trained on the others."""
        heard = []
        folds = sorted({sound.clip.split for sound in sounds})
        if len(folds) < 2:
            raise DatasetError("needs clips of at least two folds, to measure on one what the others taught")
        for fold in folds:
            held_out = [index for index, sound in enumerate(sounds) if sound.clip.split == fold]
            fitted = self.fit([copy.without(held_out) for copy in copies], f"without fold {fold}: ")
            heard += self.hear(fitted.classifier, self.split(fold))
        return heard

    def fit(self, copies: Sequence[ExampleSet], title: str) -> _Fitted:
        """Train on ``copies``, export, and prove that the export streams."""
        recipe = self._recipe

        def progress(what: str, done: int, total: int) -> None:
            self._progress(title + what, done, total)

        network = train(recipe, copies, recipe.training.seed, progress)
        classifier = export_classifier(recipe.network, network.arrays(), calibration(network, copies[0]))
        parity.check_streaming(Classifier(classifier), copies[0].features[0])
        return _Fitted(network=network, classifier=classifier, features=copies[0].features)

    def hear(self, classifier: bytes, sounds: Sequence[Sound]) -> list[Heard]:
        """``sounds``, and as many made silences as an average label has clips."""
        recipe = self._recipe
        draw = np.random.default_rng(recipe.training.seed + 1)
        augmenter = Augmenter(recipe.augment, self._recordings.noises, draw)
        samples, count = round(recipe.clip_s * RATE_HZ), max(1, len(sounds) // len(recipe.labels))
        silence = [(recipe.silence, augmenter.silence(samples)) for _ in range(count)]
        clips = [*((sound.label, sound.pcm) for sound in sounds), *silence]
        return hear(Frontend(self._preprocess), Classifier(classifier), clips, self._progress)


def calibration(network: Network, examples: ExampleSet) -> NDArray[np.float32]:
    """(N, history + T, MEL_BINS) normalised frames that show the converter what comes in."""
    frames = network.normalize(examples.features[:CALIBRATION_CLIPS].astype(np.float32)).numpy()
    return np.pad(frames, [(0, 0), (network.recipe.history_frames, 0), (0, 0)]).astype(np.float32)


def _metrics(result: Score, trained_on: int) -> dict[str, float]:
    return {
        "validation_accuracy": result.accuracy,
        "validation_balanced_accuracy": result.balanced,
        "validation_clips": float(result.clips),
        "training_clips": float(trained_on),
        **{f"validation_recall_{label}": value for label, value in result.per_label.items()},
    }


def with_training(recipe: Recipe, *, seed: int | None, epochs: int | None, copies: int | None) -> Recipe:
    """``recipe`` with these numbers instead of its own."""
    training = dataclasses.replace(
        recipe.training,
        seed=recipe.training.seed if seed is None else seed,
        epochs=recipe.training.epochs if epochs is None else epochs,
    )
    augment = recipe.augment
    if copies is not None:
        augment = dataclasses.replace(augment, copies=copies)
    return dataclasses.replace(recipe, training=training, augment=augment)
