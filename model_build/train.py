"""Finding the weights: AdamW over one cycle, and the average of the weights on the way."""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from contract.audio import FRAMES_PER_S
from model_build.dataset import Progress
from model_build.examples import ExampleSet, distort
from model_build.network import Network
from model_build.recipe import Recipe
from model_build.shape import STEP_FRAMES

WARM_UP_PART = 0.25
"""Part of the training in which the rate rises."""

_LEAST_RATE = 1e-3
_GRADIENT_NORM = 5.0


def train(recipe: Recipe, copies: Sequence[ExampleSet], seed: int, progress: Progress) -> Network:
    """A network trained on ``copies``, which epochs take in turn."""
    tf.keras.utils.set_random_seed(seed)
    tf.config.experimental.enable_op_determinism()
    network = Network(recipe.network, len(recipe.labels), seed)
    trainer = _Trainer(recipe, network, copies, seed)
    for epoch in range(recipe.training.epochs):
        loss = trainer.epoch(copies[epoch % len(copies)])
        progress(f"training (loss {loss:.3f})", epoch + 1, recipe.training.epochs)
    trainer.take_average()
    return network


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


class _Trainer:
    def __init__(self, recipe: Recipe, network: Network, copies: Sequence[ExampleSet], seed: int) -> None:
        self._recipe, self._network = recipe, network
        self._draw = np.random.default_rng(seed)
        self._variables = list(network.weights.values())
        self._average = [tf.Variable(variable, trainable=False) for variable in self._variables]
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
        turns = itertools.islice(itertools.cycle(batches), recipe.training.epochs)
        self._total, self._done = sum(turns), 0
        self._step = tf.function(self._update, autograph=False)

    def epoch(self, examples: ExampleSet) -> float:
        """Train on every example once; the mean loss."""
        losses = []
        for features, targets, weights in self._batches(examples):
            self._optimizer.learning_rate.assign(self._rate())
            losses.append(self._step(features, targets, weights))
            self._done += 1
        return float(np.mean([loss.numpy() for loss in losses]))

    def take_average(self) -> None:
        """Give the network the average of its weights."""
        for variable, average in zip(self._variables, self._average, strict=True):
            variable.assign(average)

    def _rate(self) -> float:
        part = self._done / self._total
        if part < WARM_UP_PART:
            shape = _LEAST_RATE + (1 - _LEAST_RATE) * part / WARM_UP_PART
        else:
            shape = 0.5 + 0.5 * np.cos(np.pi * (part - WARM_UP_PART) / (1 - WARM_UP_PART))
        return float(self._recipe.training.peak_rate * max(shape, _LEAST_RATE))

    def _batches(self, examples: ExampleSet) -> Iterator[tuple[NDArray[Any], NDArray[Any], NDArray[Any]]]:
        """Whole batches of features, smooth targets (N, S, K) and weights, in a new order, mixed in pairs."""
        recipe, draw = self._recipe, self._draw
        count, size = examples.features.shape[0], min(recipe.training.batch, examples.features.shape[0])
        labels = len(recipe.labels)
        smooth = recipe.training.label_smoothing
        order = np.resize(draw.permutation(count), -(-count // size) * size)
        for rows in order.reshape(-1, size):
            part_of = self._excerpt(examples)
            features = distort(examples.features[rows][:, part_of.frames], recipe, draw)
            hot = np.eye(labels, dtype=np.float32)[examples.targets[rows][:, part_of.steps]]
            targets = hot * (1 - smooth) + smooth / labels
            weights = examples.weights[rows][:, part_of.steps]
            weights[:, : part_of.deaf_steps] = 0.0
            other = draw.permutation(size)
            mixed = draw.beta(recipe.augment.mixup, recipe.augment.mixup, (size, 1, 1)).astype(np.float32)
            part = np.maximum(mixed, 1 - mixed)
            yield (
                part * features + (1 - part) * features[other],
                (part * targets + (1 - part) * targets[other]).astype(np.float32),
                weights,
            )

    def _excerpt(self, examples: ExampleSet) -> "_Excerpt":
        """A part of every example, a stream that begins anywhere; or the whole, if the recipe wants that."""
        frames = examples.features.shape[1]
        length_s = self._recipe.training.excerpt_s
        if length_s is None:
            return _Excerpt(start_step=0, step_count=frames // STEP_FRAMES, deaf_steps=0)
        steps = min(round(length_s * FRAMES_PER_S), frames) // STEP_FRAMES
        start = int(self._draw.integers(frames // STEP_FRAMES - steps + 1))
        return _Excerpt(start_step=start, step_count=steps, deaf_steps=FRAMES_PER_S // STEP_FRAMES - 1)

    def _update(self, features: Any, targets: Any, weights: Any) -> Any:
        with tf.GradientTape() as tape:
            logits = self._network.logits(features, training=True, dropout=self._recipe.training.dropout)
            losses = tf.nn.softmax_cross_entropy_with_logits(targets, logits)
            loss = tf.reduce_sum(losses * weights) / tf.reduce_sum(weights)
        gradients = tape.gradient(loss, self._variables)
        self._optimizer.apply(gradients, self._variables)
        # Early in training the average follows faster, so that the first weights do not linger in it.
        seen = tf.cast(self._optimizer.iterations, tf.float32)
        decay = tf.minimum(self._recipe.training.average_decay, (1.0 + seen) / (10.0 + seen))
        for variable, average in zip(self._variables, self._average, strict=True):
            average.assign_sub((1.0 - decay) * (average - variable))
        return loss
