"""Finding the weights: AdamW over one cycle, and the average of the weights on the way.

Chance is drawn anew in every epoch from the seed and the epoch's number, and everything else that an epoch
changes is in the checkpoint, so that a training that was killed ends with the same weights.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Protocol, TypeVar

import numpy as np
import tensorflow as tf

from contract.manifest import is_target
from model_build.batches import Lessons
from model_build.dataset import Progress
from model_build.network import Network
from model_build.recipe import Recipe
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


Watch = Callable[[int, float, Net], None]
"""Told after each epoch: how many are done, the mean loss, and the network with its averaged weights."""


def train(
    recipe: Recipe,
    lessons: Lessons,
    seed: int,
    progress: Progress,
    *,
    make: Callable[[Recipe, int], Net],
    teachers: Sequence[Trainable] = (),
    work: WorkFolder | None = None,
    watch: Watch[Net] | None = None,
) -> Net:
    """What ``make(recipe, seed)`` makes, trained on ``lessons``.

    ``teachers`` give their part of each target (see ``recipe.distillation``). With ``work`` each epoch is
    kept there, and a training that was interrupted goes on after the last one.
    """
    tf.keras.utils.set_random_seed(seed)
    tf.config.experimental.enable_op_determinism()
    network = make(recipe, seed)
    trainer = _Trainer(recipe, network, lessons, seed, teachers)
    for epoch in range(trainer.resume(work), recipe.training.epochs):
        loss = trainer.epoch(epoch)
        if work is not None:
            work.save(_CHECKPOINT, trainer.state(epoch + 1))
        progress(f"training (loss {loss:.3f})", epoch + 1, recipe.training.epochs)
        if watch is not None:
            with trainer.averaged():
                watch(epoch + 1, loss, network)
    trainer.take_average()
    return network


def epochs_done(work: WorkFolder) -> int:
    """How much of a training is kept in ``work``."""
    stored = work.load(_CHECKPOINT)
    return 0 if stored is None else int(stored["epochs"])


class _Trainer:
    def __init__(
        self,
        recipe: Recipe,
        network: Trainable,
        lessons: Lessons,
        seed: int,
        teachers: Sequence[Trainable],
    ) -> None:
        self._recipe, self._network, self._teachers = recipe, network, teachers
        self._lessons, self._seed = lessons, seed
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
        self._firsts = np.cumsum([0, *(lessons.count(epoch) for epoch in range(recipe.training.epochs))])
        self._step = tf.function(self._update, autograph=False)

    def epoch(self, number: int) -> float:
        """Train on every example once; the mean loss."""
        losses = []
        draw = np.random.default_rng([self._seed, number])
        for index, batch in enumerate(self._lessons.batches(number, draw)):
            self._optimizer.learning_rate.assign(self._rate(int(self._firsts[number]) + index))
            shown = batch.features, batch.targets, batch.weights, batch.rejects, batch.taught
            losses.append(self._step(*shown))
        return float(np.mean([loss.numpy() for loss in losses]))

    @contextmanager
    def averaged(self) -> Iterator[None]:
        """The network has the average of its weights for a while."""
        kept = [variable.numpy() for variable in self._variables]
        self.take_average()
        yield
        for variable, value in zip(self._variables, kept, strict=True):
            variable.assign(value)

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

    def _update(self, features: Any, targets: Any, weights: Any, rejects: Any, taught: Any) -> Any:
        training = self._recipe.training
        targets = self._taught(features, targets, taught)
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

    def _taught(self, features: Any, targets: Any, part: Any) -> Any:
        """``targets`` with the teachers' part: what they say on average of the same changed and mixed sound.

        Beyer et al. 2022, "Knowledge distillation: a good teacher is patient and consistent".
        """
        if not self._teachers:
            return targets
        answers = [tf.nn.softmax(teacher.logits(features, training=False)) for teacher in self._teachers]
        return (1.0 - part) * targets + part * tf.add_n(answers) / len(answers)
