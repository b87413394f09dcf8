"""Finding the weights: AdamW over one cycle on excerpts of normal sound, and the average of the weights."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from contract.audio import FEATURE_SCALE_DB, MEL_BINS
from model_build.anomaly.network import Network, Standard
from model_build.anomaly.recipe import AnomalyRecipe
from model_build.dataset import Progress
from model_build.shape import STEP_FRAMES
from model_build.work import WorkFolder

_WARM_UP_PART = 0.2
_LEAST_RATE = 1e-3
_GRADIENT_NORM = 1.0
_CHECKPOINT = "training"


def train(
    recipe: AnomalyRecipe,
    standard: Standard,
    recordings: Sequence[NDArray[np.int8]],
    work: WorkFolder | None,
    progress: Progress,
) -> Network:
    """A network trained on ``recordings``, (T, MEL_BINS) each; it goes on from the last epoch in ``work``."""
    tf.keras.utils.set_random_seed(recipe.training.seed)
    tf.config.experimental.enable_op_determinism()
    trainer = _Trainer(recipe, standard, recordings)
    for epoch in range(_restore(work, trainer.state), recipe.training.epochs):
        loss = trainer.epoch(epoch)
        _keep(work, trainer.state, epoch + 1)
        progress(f"training (loss {loss:.3f})", epoch + 1, recipe.training.epochs)
    return trainer.averaged()


def _keep(work: WorkFolder | None, variables: Sequence[Any], epochs: int) -> None:
    if work is not None:
        arrays = {str(index): variable.numpy() for index, variable in enumerate(variables)}
        work.save(_CHECKPOINT, {**arrays, "epochs": np.array(epochs)})


def _restore(work: WorkFolder | None, variables: Sequence[Any]) -> int:
    """How many epochs are done; their outcome is put into ``variables``."""
    kept = work.load(_CHECKPOINT) if work is not None else None
    if kept is None:
        return 0
    for index, variable in enumerate(variables):
        variable.assign(kept[str(index)])
    return int(kept["epochs"])


class _Trainer:
    def __init__(
        self, recipe: AnomalyRecipe, standard: Standard, recordings: Sequence[NDArray[np.int8]]
    ) -> None:
        training = recipe.training
        self._training, self._standard = training, standard
        self._network = Network(recipe.network, training.seed)
        frames = training.excerpt_steps * STEP_FRAMES
        # Short recordings are heard over and over; long ones are begun anywhere.
        self._recordings = [np.resize(x, (max(frames, x.shape[0]), MEL_BINS)) for x in recordings]
        self._variables = list(self._network.weights.values())
        self._average = [tf.Variable(variable, trainable=False) for variable in self._variables]
        self._optimizer = tf.keras.optimizers.AdamW(
            training.peak_rate, weight_decay=training.weight_decay, global_clipnorm=_GRADIENT_NORM
        )
        self._optimizer.exclude_from_weight_decay(
            var_list=[v for name, v in self._network.weights.items() if "bias" in name]
        )
        self._optimizer.build(self._variables)
        self._step = tf.function(self._update, autograph=False)

    @property
    def state(self) -> list[Any]:
        """All variables that a training continues from."""
        return [*self._variables, *self._average, *self._optimizer.variables]

    def epoch(self, number: int) -> float:
        """Train on fresh excerpts; the mean loss. What is drawn depends on ``number`` and the seed alone."""
        draw = np.random.default_rng([self._training.seed, number])
        losses = []
        for batch in range(self._training.batches):
            self._optimizer.learning_rate.assign(self._rate(number + batch / self._training.batches))
            losses.append(self._step(*self._excerpts(draw)))
        return float(np.mean([loss.numpy() for loss in losses]))

    def averaged(self) -> Network:
        """The network with the average of its weights."""
        for variable, average in zip(self._variables, self._average, strict=True):
            variable.assign(average)
        return self._network

    def _rate(self, epochs_done: float) -> float:
        part = epochs_done / self._training.epochs
        rising = part / _WARM_UP_PART
        falling = 0.5 + 0.5 * np.cos(np.pi * (part - _WARM_UP_PART) / (1 - _WARM_UP_PART))
        return float(self._training.peak_rate * max(min(rising, falling), _LEAST_RATE))

    def _excerpts(self, draw: np.random.Generator) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Standardised frames (batch, T, MEL_BINS) at slightly other levels, and the same with holes."""
        training = self._training
        frames = training.excerpt_steps * STEP_FRAMES
        room = np.array([recording.shape[0] - frames + 1 for recording in self._recordings])
        chosen = draw.choice(room.size, training.batch, p=room / room.sum())
        starts = draw.integers(room[chosen])
        cut = [self._recordings[i][start : start + frames] for i, start in zip(chosen, starts, strict=True)]
        gain_db = draw.uniform(-training.gain_db, training.gain_db, (training.batch, 1, 1))
        whole = self._standard.frames(np.stack(cut) + gain_db / FEATURE_SCALE_DB).astype(np.float32)
        kept = draw.random(whole.shape, dtype=np.float32) >= training.dropout
        return whole, whole * kept

    def _update(self, frames: Any, holed: Any) -> Any:
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(self._network.residual(frames, holed) ** 2)
        gradients = tape.gradient(loss, self._variables)
        self._optimizer.apply(gradients, self._variables)
        # Early in training the average follows faster, so that the first weights do not linger in it.
        seen = tf.cast(self._optimizer.iterations, tf.float32)
        decay = tf.minimum(self._training.average_decay, (1.0 + seen) / (10.0 + seen))
        for variable, average in zip(self._variables, self._average, strict=True):
            average.assign_sub((1.0 - decay) * (average - variable))
        return loss
