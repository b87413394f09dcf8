"""How much each review teaches: a starter without some labels, a pool of windows, an order of reviews.

The starter hears the pool as a fleet would; reviews tell what the windows in an order's front are; after some
of them the starter's base is learned again together with what is reviewed so far, and measured on clips that
nobody has learned from. Orders are given: only the posteriors decide in them, never the truth.
"""

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from contract.manifest import is_target
from model_build.batches import Copies
from model_build.dataset import Progress
from model_build.evaluate import Score, score
from model_build.examples import ExampleSet, asked, audible
from model_build.recipe import Recipe
from model_build.retrain.base import Base, Origin, Streams, Training, Validation
from model_build.retrain.excerpts import find_starts
from model_build.retrain.growth import known_network, learning_recipe
from model_build.retrain.hearing import Clip, Ear
from model_build.retrain.retraining import learn
from model_build.retrain.snapshot import NONE, SCHEMA, UNKNOWN_STEP, Head, Snapshot
from model_build.shape import STEP_FRAMES
from model_build.train import default_network, train

_HEARD_LEAST = 0.25
"""Posterior from which a model heard something where it was surest; fainter peaks lie anywhere."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """A window of the pool as a reviewer's queue knows it."""

    labels: tuple[str, ...]
    posteriors: NDArray[np.float32]
    """(steps, K) of the model that heard it"""
    node: str


Answers = Sequence[tuple[int, str | None]]
"""Cards reviewed so far and what they are; none: none of the labels."""
Order = Callable[[Sequence[Card], Answers], int]
"""The card to review next, of those that have no answer yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolWindow:
    """A window, and what a reviewer would say of it."""

    frames: NDArray[np.int8]
    """(frames, MEL_BINS), whole steps"""
    label: str | None
    node: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Experiment:
    """One starter with one pool."""

    recipe: Recipe
    """With all labels, those that the starter does not know included."""
    withheld: tuple[str, ...]
    preprocess: bytes
    known: NDArray[np.int8]
    """(N, T, MEL_BINS) clips that the starter learns from, none of them of a withheld label"""
    known_labels: tuple[str, ...]
    pool: tuple[PoolWindow, ...]
    exam: tuple[Clip, ...]
    """Clips of all labels to measure on"""
    starter_epochs: int = 80
    retrain_epochs: int = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """What is known after some reviews."""

    reviews: int
    accuracy: float
    """Mean recall over all labels of the exam"""
    new: float
    """Mean recall over the withheld ones"""


class Curve:
    """The experiment's starter, and what each order of reviews makes of it."""

    def __init__(self, experiment: Experiment, seed: int, progress: Progress) -> None:
        self._experiment, self._seed, self._progress = experiment, seed, progress
        self._base, self.cards = self._started()

    def points(self, order: Order, reviews: Sequence[int]) -> list[Point]:
        """The curve at these numbers of reviews."""
        answers: list[tuple[int, str | None]] = []
        points = []
        for wanted in reviews:
            while len(answers) < min(wanted, len(self.cards)):
                chosen = order(self.cards, answers)
                answers.append((chosen, self._experiment.pool[chosen].label))
            points.append(self._measured(answers))
            self._progress("reviewing and learning", wanted, reviews[-1])
        return points

    def _started(self) -> tuple[Base, tuple[Card, ...]]:
        """The starter as a base, and the pool as it heard it."""
        experiment = self._experiment
        whole = experiment.recipe
        targets = tuple(label for label in whole.targets if label not in experiment.withheld)
        training = dataclasses.replace(whole.training, epochs=experiment.starter_epochs)
        recipe = dataclasses.replace(whole, targets=targets, training=training)
        truth = np.array([recipe.labels.index(label) for label in experiment.known_labels])
        examples = _examples(recipe, experiment.known, truth)
        lessons = Copies(recipe, [examples])
        network = train(recipe, lessons, self._seed, lambda *_: None, make=default_network)
        base = _base_of(recipe, experiment, truth, {**network.weights, **network.moments})
        clips = [
            Clip(label="", features=window.frames, levels_db=(0.0,) * (len(window.frames) // STEP_FRAMES))
            for window in experiment.pool
        ]
        heard = Ear(network).hear(clips)
        cards = [
            Card(labels=recipe.labels, posteriors=one.posteriors, node=window.node)
            for one, window in zip(heard, experiment.pool, strict=True)
        ]
        return base, tuple(cards)

    def _measured(self, answers: Answers) -> Point:
        experiment, base = self._experiment, self._base
        named = {label for _, label in answers if label is not None}
        labels = [label for label in experiment.recipe.targets if label in named]
        recipe = learning_recipe(base.recipe, labels, "0", experiment.retrain_epochs)
        snapshot = _snapshot_of(experiment, labels, answers, self.cards)
        if answers:
            network = learn(recipe, base, snapshot, find_starts(recipe, snapshot), self._seed)
        else:
            network = known_network(base)
        result = _score(Ear(network), experiment, recipe)
        recalls = result.per_label
        targets = experiment.recipe.targets
        return Point(
            reviews=len(answers),
            accuracy=float(np.mean([recalls.get(label, 0.0) for label in targets])),
            new=float(np.mean([recalls.get(label, 0.0) for label in experiment.withheld])),
        )


def _score(ear: Ear, experiment: Experiment, recipe: Recipe) -> Score:
    """Clips of labels that the network does not know yet are wrong, whatever it says of them."""
    known = [clip for clip in experiment.exam if clip.label in recipe.labels]
    return score(ear.hear(known), recipe.labels, recipe.decision)


def _examples(recipe: Recipe, features: NDArray[np.int8], truth: NDArray[np.int64]) -> ExampleSet:
    steps = features.shape[1] // STEP_FRAMES
    targets = np.repeat(truth[:, None], steps, axis=1)
    return ExampleSet(
        features=features,
        targets=targets,
        weights=audible(features, recipe.decision.clip_gate_db) * asked(recipe, steps),
        rejects=(targets >= len(recipe.targets)).astype(np.float32),
        sources=np.full((len(truth), 1), -1),
    )


def _base_of(
    recipe: Recipe, experiment: Experiment, truth: NDArray[np.int64], variables: dict[str, object]
) -> Base:
    nothing = np.empty((0, *experiment.known.shape[1:]), np.int8)
    return Base(
        recipe=recipe,
        origin=Origin(
            digest="0" * 64,
            name=recipe.name,
            version=recipe.version,
            datasets=(),
            thresholds={},
            temperature=1.0,
            validation_learned=False,
            learned=len(truth),
        ),
        preprocess=experiment.preprocess,
        weights={name: np.asarray(value) for name, value in variables.items()},
        training=Training(
            features=experiment.known, target=truth.astype(np.int16), copy=np.zeros(len(truth), np.uint8)
        ),
        validation=Validation(
            features=nothing, truth=np.empty(0, np.int16), levels_db=np.empty((0, 0), np.float32)
        ),
        streams=Streams(
            frames=nothing.reshape(0, nothing.shape[2]),
            offsets=np.zeros(1, np.int64),
            label=np.empty(0, np.int16),
            varied=np.empty(0, np.uint8),
        ),
    )


def _snapshot_of(
    experiment: Experiment, labels: Sequence[str], answers: Answers, cards: Sequence[Card]
) -> Snapshot:
    """The reviewed windows as an aggregator would freeze them, all to learn from."""
    frames = [experiment.pool[card].frames for card, _ in answers]
    width = experiment.known.shape[2]
    return Snapshot(
        head=Head(
            schema=SCHEMA,
            frontend_digest="0" * 64,
            labels=tuple(labels),
            made_s=0.0,
            windows=len(answers),
            digest="0" * 64,
            none=experiment.recipe.silence,
        ),
        frames=np.concatenate([np.empty((0, width), np.int8), *frames]),
        offsets=np.cumsum([0, *(len(part) for part in frames)], dtype=np.int64),
        label=np.array([NONE if name is None else labels.index(name) for _, name in answers], np.int16),
        split=np.zeros(len(answers), np.uint8),
        window_id=np.array([card for card, _ in answers], np.int64),
        peak_step=np.array([_peak(cards[card]) for card, _ in answers], np.int32),
    )


def _peak(card: Card) -> int:
    """The step at which the model was surest that it heard a target, as a snapshot of windows has it."""
    targets = [index for index, label in enumerate(card.labels) if is_target(label)]
    if not len(card.posteriors):
        return UNKNOWN_STEP
    surest = card.posteriors[:, targets].max(axis=1)
    peak = int(surest.argmax())
    return peak if surest[peak] >= _HEARD_LEAST else UNKNOWN_STEP
