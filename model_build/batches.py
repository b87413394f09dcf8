"""What an epoch shows: examples in a new order, distorted and mixed in pairs."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from contract.audio import FRAMES_PER_S
from model_build.examples import ExampleSet, distort
from model_build.recipe import Recipe
from model_build.shape import STEP_FRAMES


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """N examples as the network hears them."""

    features: NDArray[np.float32]
    """(N, T, MEL_BINS)"""
    targets: NDArray[np.float32]
    """(N, S, K) what is right, smoothed and mixed"""
    weights: NDArray[np.float32]
    """(N, S) how much each answer counts"""
    rejects: NDArray[np.float32]
    """(N, S) one where any target would be a false alarm"""
    taught: NDArray[np.float32]
    """(N, 1, 1) part of each target that teachers give, if there are any"""


class Lessons(Protocol):
    """What a training shows, epoch after epoch: a function of the epoch's number and what is drawn."""

    def count(self, epoch: int) -> int:
        """Batches of an epoch."""
        ...

    def batches(self, epoch: int, draw: np.random.Generator) -> Iterator[Batch]:
        """The batches of an epoch."""
        ...


class Copies:
    """Varied copies of a training set, which epochs take in turn."""

    def __init__(self, recipe: Recipe, copies: Sequence[ExampleSet]) -> None:
        self._recipe, self._copies = recipe, copies

    def count(self, epoch: int) -> int:
        """Batches of an epoch."""
        return batch_count(self._recipe, self._of(epoch).features.shape[0])

    def batches(self, epoch: int, draw: np.random.Generator) -> Iterator[Batch]:
        """The batches of an epoch."""
        examples = self._of(epoch)
        taught = np.full(examples.features.shape[0], self._recipe.distillation.part, np.float32)
        return mixed_batches(self._recipe, examples, taught, draw)

    def _of(self, epoch: int) -> ExampleSet:
        return self._copies[epoch % len(self._copies)]


def batch_count(recipe: Recipe, examples: int) -> int:
    """Whole batches that show each of ``examples`` at least once."""
    return -(-examples // recipe.training.batch)


def mixed_batches(
    recipe: Recipe, examples: ExampleSet, taught: NDArray[np.float32], draw: np.random.Generator
) -> Iterator[Batch]:
    """Whole batches in a new order, mixed in pairs.

    ``taught`` is (N,): the part of each example's target that teachers give; of a pair it is the smaller one.
    """
    count, size = examples.features.shape[0], min(recipe.training.batch, examples.features.shape[0])
    labels = len(recipe.labels)
    smooth = recipe.training.label_smoothing
    order = np.resize(draw.permutation(count), -(-count // size) * size)
    for rows in order.reshape(-1, size):
        part_of = _excerpt(recipe, examples, draw)
        features = distort(examples.features[rows][:, part_of.frames], recipe, draw)
        hot = np.eye(labels, dtype=np.float32)[examples.targets[rows][:, part_of.steps]]
        targets = hot * (1 - smooth) + smooth / labels
        weights = np.array(examples.weights[rows][:, part_of.steps])
        weights[:, : part_of.deaf_steps] = 0.0
        rejects = examples.rejects[rows][:, part_of.steps]
        other = draw.permutation(size)
        part = _mixing(recipe.augment.mixup, size, draw)
        yield Batch(
            features=(part * features + (1 - part) * features[other]).astype(np.float32),
            targets=(part * targets + (1 - part) * targets[other]).astype(np.float32),
            weights=weights,
            rejects=rejects * rejects[other],
            taught=np.minimum(taught[rows], taught[rows][other])[:, None, None],
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Excerpt:
    """Some successive LSTM steps of an example."""

    start_step: int
    step_count: int
    deaf_steps: int
    """Steps at its beginning after which nothing is asked: too little has been heard."""

    @property
    def steps(self) -> slice:
        return slice(self.start_step, self.start_step + self.step_count)

    @property
    def frames(self) -> slice:
        return slice(self.steps.start * STEP_FRAMES, self.steps.stop * STEP_FRAMES)


def _excerpt(recipe: Recipe, examples: ExampleSet, draw: np.random.Generator) -> _Excerpt:
    """A part of every example, a stream that begins anywhere; or the whole, if the recipe wants that."""
    frames = examples.features.shape[1]
    length_s = recipe.training.excerpt_s
    if length_s is None:
        return _Excerpt(start_step=0, step_count=frames // STEP_FRAMES, deaf_steps=0)
    steps = min(round(length_s * FRAMES_PER_S), frames) // STEP_FRAMES
    start = int(draw.integers(frames // STEP_FRAMES - steps + 1))
    return _Excerpt(start_step=start, step_count=steps, deaf_steps=FRAMES_PER_S // STEP_FRAMES - 1)


def _mixing(mixup: float, size: int, draw: np.random.Generator) -> NDArray[np.float32]:
    """(size, 1, 1) part of the one of two examples that there is more of; Zhang et al. 2018, "mixup"."""
    if not mixup:
        return np.ones((size, 1, 1), np.float32)
    mixed = draw.beta(mixup, mixup, (size, 1, 1)).astype(np.float32)
    return np.maximum(mixed, 1 - mixed)
