"""Finding the weights: AdamW over one cycle, and the average of the weights on the way.

Chance is drawn anew in every epoch from the seed and the epoch's number, and everything else that an epoch
changes is in the checkpoint, so that a training that was killed ends with the same weights.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from contract.audio import FRAMES_PER_S
from contract.manifest import is_target
from model_build.dataset import Progress
from model_build.examples import ExampleSet, distort
from model_build.network import Network
from model_build.recipe import Recipe
from model_build.shape import STEP_FRAMES
from model_build.work import Arrays, WorkFolder

WARM_UP_PART = 0.25
"""Part of the training in which the rate rises."""

_LEAST_RATE = 1e-3
_GRADIENT_NORM = 5.0
_CHECKPOINT = "checkpoint"


class Trainable(Protocol):
    """What a training needs of a network."""

    weights: dict[str, Any]
    """What the gradient changes."""
    moments: dict[str, Any]
    """What else changes while it trains."""

    def logits(self, features: Any, *, training: bool, dropout: float = 0.0) -> Any:
        """(N, steps, K) from (N, T, MEL_BINS) features in int8 units."""
        ...


Net = TypeVar("Net", bound=Trainable)


def default_network(recipe: Recipe, seed: int) -> Network:
    """The recipe's own network."""
    return Network(recipe.network, len(recipe.labels), seed)


def train(
    recipe: Recipe,
    copies: Sequence[ExampleSet],
    seed: int,
    progress: Progress,
    *,
    make: Callable[[Recipe, int], Net],
    teachers: Sequence[Trainable] = (),
    work: WorkFolder | None = None,
) -> Net:
    """What ``make(recipe, seed)`` makes, trained on ``copies``, which epochs take in turn.

    ``teachers`` give their part of each target (see ``recipe.distillation``). With ``work`` each epoch is
    kept there, and a training that was interrupted goes on after the last one.
    """
    tf.keras.utils.set_random_seed(seed)
    tf.config.experimental.enable_op_determinism()
    network = make(recipe, seed)
    trainer = _Trainer(recipe, network, copies, seed, teachers)
    for epoch in range(trainer.resume(work), recipe.training.epochs):
        loss = trainer.epoch(copies[epoch % len(copies)], epoch)
        if work is not None:
            work.save(_CHECKPOINT, trainer.state(epoch + 1))
        progress(f"training (loss {loss:.3f})", epoch + 1, recipe.training.epochs)
    trainer.take_average()
    return network


def epochs_done(work: WorkFolder) -> int:
    """How much of a training is kept in ``work``."""
    stored = work.load(_CHECKPOINT)
    return 0 if stored is None else int(stored["epochs"])


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


@dataclass(frozen=True, slots=True, kw_only=True)
class _Batch:
    features: NDArray[np.float32]
    """(N, T, MEL_BINS)"""
    targets: NDArray[np.float32]
    """(N, S, K) what is right, smoothed and mixed"""
    weights: NDArray[np.float32]
    """(N, S) how much each answer counts"""
    rejects: NDArray[np.float32]
    """(N, S) one where any target would be a false alarm"""


class _Trainer:
    def __init__(
        self,
        recipe: Recipe,
        network: Trainable,
        copies: Sequence[ExampleSet],
        seed: int,
        teachers: Sequence[Trainable],
    ) -> None:
        self._recipe, self._network, self._teachers = recipe, network, teachers
        self._seed = seed
        self._variables = list(network.weights.values())
        self._average = [tf.Variable(variable, trainable=False) for variable in self._variables]
        self._targets = np.array([is_target(label) for label in recipe.labels], np.float32)
        self._optimizer = tf.keras.optimizers.AdamW(
            recipe.training.peak_rate,
            weight_decay=recipe.training.weight_decay,
            global_clipnorm=_GRADIENT_NORM,
        )
        self._optimizer.exclude_from_weight_decay(
            var_list=[v for name, v in network.weights.items() if "bias" in name or "gain" in name]
        )
        self._optimizer.build(self._variables)
        batches = [-(-copy.features.shape[0] // recipe.training.batch) for copy in copies]
        self._firsts = np.cumsum(
            [0, *(batches[epoch % len(copies)] for epoch in range(recipe.training.epochs))]
        )
        self._step = tf.function(self._update, autograph=False)

    def epoch(self, examples: ExampleSet, number: int) -> float:
        """Train on every example once; the mean loss."""
        losses = []
        draw = np.random.default_rng([self._seed, number])
        for index, batch in enumerate(self._batches(examples, draw)):
            self._optimizer.learning_rate.assign(self._rate(int(self._firsts[number]) + index))
            losses.append(self._step(batch.features, batch.targets, batch.weights, batch.rejects))
        return float(np.mean([loss.numpy() for loss in losses]))

    def take_average(self) -> None:
        """Give the network the average of its weights."""
        for variable, average in zip(self._variables, self._average, strict=True):
            variable.assign(average)

    def state(self, epochs: int) -> Arrays:
        """All that ``epochs`` epochs have changed."""
        return {"epochs": np.array(epochs)} | {name: v.numpy() for name, v in self._changing().items()}

    def resume(self, work: WorkFolder | None) -> int:
        """Take up what ``work`` holds; how many epochs are done."""
        stored = work.load(_CHECKPOINT) if work is not None else None
        if stored is None:
            return 0
        for name, variable in self._changing().items():
            variable.assign(stored[name])
        return int(stored["epochs"])

    def _changing(self) -> Mapping[str, Any]:
        named = {**self._network.weights, **self._network.moments}
        named |= {f"average_{index}": value for index, value in enumerate(self._average)}
        return named | {f"optimizer_{index}": value for index, value in enumerate(self._optimizer.variables)}

    def _rate(self, step: int) -> float:
        part = step / self._firsts[-1]
        if part < WARM_UP_PART:
            shape = _LEAST_RATE + (1 - _LEAST_RATE) * part / WARM_UP_PART
        else:
            shape = 0.5 + 0.5 * np.cos(np.pi * (part - WARM_UP_PART) / (1 - WARM_UP_PART))
        return float(self._recipe.training.peak_rate * max(shape, _LEAST_RATE))

    def _batches(self, examples: ExampleSet, draw: np.random.Generator) -> Iterator[_Batch]:
        """Whole batches in a new order, mixed in pairs."""
        recipe = self._recipe
        count, size = examples.features.shape[0], min(recipe.training.batch, examples.features.shape[0])
        labels = len(recipe.labels)
        smooth = recipe.training.label_smoothing
        order = np.resize(draw.permutation(count), -(-count // size) * size)
        for rows in order.reshape(-1, size):
            part_of = self._excerpt(examples, draw)
            features = distort(examples.features[rows][:, part_of.frames], recipe, draw)
            hot = np.eye(labels, dtype=np.float32)[examples.targets[rows][:, part_of.steps]]
            targets = hot * (1 - smooth) + smooth / labels
            weights = np.array(examples.weights[rows][:, part_of.steps])
            weights[:, : part_of.deaf_steps] = 0.0
            rejects = examples.rejects[rows][:, part_of.steps]
            other = draw.permutation(size)
            part = _mixing(recipe.augment.mixup, size, draw)
            yield _Batch(
                features=(part * features + (1 - part) * features[other]).astype(np.float32),
                targets=(part * targets + (1 - part) * targets[other]).astype(np.float32),
                weights=weights,
                rejects=rejects * rejects[other],
            )

    def _excerpt(self, examples: ExampleSet, draw: np.random.Generator) -> "_Excerpt":
        """A part of every example, a stream that begins anywhere; or the whole, if the recipe wants that."""
        frames = examples.features.shape[1]
        length_s = self._recipe.training.excerpt_s
        if length_s is None:
            return _Excerpt(start_step=0, step_count=frames // STEP_FRAMES, deaf_steps=0)
        steps = min(round(length_s * FRAMES_PER_S), frames) // STEP_FRAMES
        start = int(draw.integers(frames // STEP_FRAMES - steps + 1))
        return _Excerpt(start_step=start, step_count=steps, deaf_steps=FRAMES_PER_S // STEP_FRAMES - 1)

    def _update(self, features: Any, targets: Any, weights: Any, rejects: Any) -> Any:
        training = self._recipe.training
        targets = self._taught(features, targets)
        with tf.GradientTape() as tape:
            logits = self._network.logits(features, training=True, dropout=training.dropout)
            losses = tf.nn.softmax_cross_entropy_with_logits(targets, logits)
            loss = tf.reduce_sum(losses * weights) / tf.reduce_sum(weights)
            if training.rejection:
                alarm = tf.reduce_sum(tf.nn.softmax(logits) * self._targets, axis=2)
                silent = -tf.math.log(tf.maximum(1.0 - alarm, 1e-4))
                loss += training.rejection * tf.reduce_sum(silent * rejects) / (tf.reduce_sum(rejects) + 1.0)
        gradients = tape.gradient(loss, self._variables)
        self._optimizer.apply(gradients, self._variables)
        # Early in training the average follows faster, so that the first weights do not linger in it.
        seen = tf.cast(self._optimizer.iterations, tf.float32)
        decay = tf.minimum(training.average_decay, (1.0 + seen) / (10.0 + seen))
        for variable, average in zip(self._variables, self._average, strict=True):
            average.assign_sub((1.0 - decay) * (average - variable))
        return loss

    def _taught(self, features: Any, targets: Any) -> Any:
        """``targets`` with the teachers' part: what they say on average of the same changed and mixed sound.

        Beyer et al. 2022, "Knowledge distillation: a good teacher is patient and consistent".
        """
        if not self._teachers:
            return targets
        answers = [tf.nn.softmax(teacher.logits(features, training=False)) for teacher in self._teachers]
        part = self._recipe.distillation.part
        return (1.0 - part) * targets + part * tf.add_n(answers) / len(answers)


def _mixing(mixup: float, size: int, draw: np.random.Generator) -> NDArray[np.float32]:
    """(size, 1, 1) part of the one of two examples that there is more of; Zhang et al. 2018, "mixup"."""
    if not mixup:
        return np.ones((size, 1, 1), np.float32)
    mixed = draw.beta(mixup, mixup, (size, 1, 1)).astype(np.float32)
    return np.maximum(mixed, 1 - mixed)
