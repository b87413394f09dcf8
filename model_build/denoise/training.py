"""Finding the weights: AdamW over one cycle on fresh mixtures, and the average of the weights."""

from typing import Any

import numpy as np
import tensorflow as tf

from model_build.dataset import Progress
from model_build.denoise.loss import loss
from model_build.denoise.mixing import Mixer
from model_build.denoise.network import Arrays, Network
from model_build.denoise.recipe import DenoiseRecipe
from model_build.denoise.shape import LEAST_POWER
from model_build.denoise.sources import Sources
from model_build.work import WorkFolder

_WARM_UP_STEPS = 60
_LEAST_RATE = 0.02
_GRADIENT_NORM = 1.0
_CHECKPOINT = "training"
_CHECKPOINT_EVERY = 30
_FIRST_LOOK = 96
"""Examples whose spectra say how loud each bin is."""


def train(recipe: DenoiseRecipe, sources: Sources, work: WorkFolder | None, progress: Progress) -> Network:
    """A network trained on ``sources``; it goes on from where ``work`` left off."""
    tf.keras.utils.set_random_seed(recipe.training.seed)
    trainer = _Trainer(recipe, sources, work)
    while trainer.done < recipe.training.steps:
        found = trainer.draw()
        trainer.keep()
        done = min(trainer.done, recipe.training.steps)
        progress(f"training (loss {found:.3f})", done, recipe.training.steps)
    return trainer.averaged()


class _Trainer:
    def __init__(self, recipe: DenoiseRecipe, sources: Sources, work: WorkFolder | None) -> None:
        training = recipe.training
        self._recipe, self._training, self._work, self._sources = recipe, training, work, sources
        heard = np.concatenate([batch[0] for batch in self._mixer(-1).batches(_FIRST_LOOK, 1)])
        levels = np.log(heard * heard + LEAST_POWER).reshape(-1, heard.shape[2])
        self._network = Network(recipe.network, levels.mean(axis=0), levels.std(axis=0) + 1e-3, training.seed)
        self._variables = list(self._network.weights.values())
        self._average = [tf.Variable(variable, trainable=False) for variable in self._variables]
        self._optimizer = tf.keras.optimizers.AdamW(
            training.peak_rate, weight_decay=training.weight_decay, global_clipnorm=_GRADIENT_NORM,
            beta_2=0.99,
        )  # fmt: skip
        self._optimizer.build(self._variables)
        self._step = tf.function(self._update, autograph=False)
        self.done, self._kept = self._restore(), 0

    def draw(self) -> float:
        """Train on all mixtures of the next recordings; the mean loss. What is drawn depends on the step."""
        losses = []
        for batch in self._mixer(self.done).batches(self._training.batch, self._training.mixtures):
            self._optimizer.learning_rate.assign(self._rate())
            losses.append(float(self._step(*batch)))
            self.done += 1
        return float(np.mean(losses))

    def averaged(self) -> Network:
        """The network with the average of its weights."""
        for variable, average in zip(self._variables, self._average, strict=True):
            variable.assign(average)
        return self._network

    def keep(self) -> None:
        """Write down, now and then and at the end, how far it is."""
        if self._work is None or (
            self.done < self._training.steps and self.done - self._kept < _CHECKPOINT_EVERY
        ):
            return
        arrays = {str(index): variable.numpy() for index, variable in enumerate(self._state)}
        self._work.save(_CHECKPOINT, {**arrays, "done": np.array(self.done)})
        self._kept = self.done

    @property
    def _state(self) -> list[Any]:
        return [*self._variables, *self._average, *self._optimizer.variables]

    def _restore(self) -> int:
        kept: Arrays | None = self._work.load(_CHECKPOINT) if self._work is not None else None
        if kept is None:
            return 0
        for index, variable in enumerate(self._state):
            variable.assign(kept[str(index)])
        return int(kept["done"])

    def _mixer(self, step: int) -> Mixer:
        seed = self._training.seed * 1_000_003 + step + 1
        return Mixer(self._recipe.mixing, self._sources, self._training.excerpt_samples, seed)

    def _rate(self) -> float:
        part = min(self.done / self._training.steps, 1.0)
        falling = _LEAST_RATE + (1 - _LEAST_RATE) * (0.5 + 0.5 * np.cos(np.pi * part))
        return float(self._training.peak_rate * min(1.0, (self.done + 1) / _WARM_UP_STEPS) * falling)

    def _update(self, *batch: Any) -> Any:
        with tf.GradientTape() as tape:
            mask = self._network.mask(batch[0], dropout_step=self._optimizer.iterations)
            found = loss(self._recipe.loss, mask, *batch)
        self._optimizer.apply(tape.gradient(found, self._variables), self._variables)
        # Early in training the average follows faster, so that the first weights do not linger in it.
        seen = tf.cast(self._optimizer.iterations, tf.float32)
        decay = tf.minimum(self._training.average_decay, seen / (20.0 + seen))
        for variable, average in zip(self._variables, self._average, strict=True):
            average.assign(decay * average + (1 - decay) * variable)
        return found
