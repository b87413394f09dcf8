"""The classifier in float, for training: level, causal stem, LSTM, attention over the last steps.

Everything is causal and starts from zeros, so that a clip in one piece and the same clip as a stream agree.
"""

from collections.abc import Collection
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from contract.audio import FEATURE_SCALE_DB, FEATURE_ZERO_POINT
from model_build.recipe import NetworkRecipe
from model_build.shape import LEVEL_RANGE_DB

_NORM_EPSILON = 1e-3
_NORM_PACE = 0.02
"""Part of the way to a batch's mean and variance that the running ones go."""


class Network:
    """Weights, and the way from features to logits."""

    def __init__(self, recipe: NetworkRecipe, labels: int, seed: int) -> None:
        self.recipe, self._seed = recipe, seed
        draw = np.random.default_rng(seed)
        self.weights: dict[str, tf.Variable] = {}
        channels = 1
        for index, layer in enumerate(recipe.convolutions, start=1):
            shape = (*layer.kernel, channels, layer.channels)
            self._add(f"conv{index}", draw, shape, layer.kernel[0] * layer.kernel[1] * channels, gain=2.0)
            channels = layer.channels
        self._add("dense", draw, (recipe.flat, recipe.dense), recipe.flat)
        self._add("kernel", draw, (recipe.dense, 4 * recipe.hidden), recipe.dense)
        self._add("recurrent", draw, (recipe.hidden, 4 * recipe.hidden), recipe.hidden)
        self._add("score", draw, (recipe.hidden, 1), recipe.hidden)
        self._add("out", draw, (recipe.hidden, labels), recipe.hidden)
        bias: NDArray[np.float64] = np.zeros(4 * recipe.hidden)
        bias[recipe.hidden : 2 * recipe.hidden] = 1.0  # an LSTM that forgets at first learns slowly
        starts: dict[str, NDArray[np.float64]] = {
            "dense_bias": np.zeros(recipe.dense),
            "lstm_bias": bias,
            "score_bias": np.zeros(1),
            "out_bias": np.zeros(labels),
        }
        self.moments = {"draws": tf.Variable(0, trainable=False, name="draws")}
        for index, layer in enumerate(recipe.convolutions, start=1):
            starts[f"norm{index}_gain"] = np.ones(layer.channels)
            starts[f"norm{index}_bias"] = np.zeros(layer.channels)
            for name, start in ((f"norm{index}_mean", 0.0), (f"norm{index}_variance", 1.0)):
                moment = np.full(layer.channels, start, np.float32)
                self.moments[name] = tf.Variable(moment, trainable=False, name=name)
        for name, values in starts.items():
            self.weights[name] = tf.Variable(values.astype(np.float32), name=name)

    def logits(self, features: Any, *, training: bool, dropout: float = 0.0) -> Any:
        """(N, steps, K) logits after each LSTM step, from features (N, T, MEL_BINS) in int8 units."""
        rate = dropout if training else 0.0
        x = self.stem(self.normalize(features), training=training)
        pooled = self._drop(self.pool(self.lstm(self._drop(x, rate))), rate)
        return pooled @ self.weights["out"] + self.weights["out_bias"]

    def normalize(self, features: Any) -> Any:
        """Each frame relative to the mean level of the frames up to it, in units of ``LEVEL_RANGE_DB``."""
        recipe = self.recipe
        level_db = tf.cast(FEATURE_SCALE_DB, tf.float32) * (features - FEATURE_ZERO_POINT)
        total = _box(tf.reduce_mean(level_db, axis=2), recipe.level_frames)
        count = np.minimum(np.arange(features.shape[1]) + 1.0, recipe.level_frames)
        prior_frames = recipe.level_prior_frames
        mean = (total + recipe.level_prior_db * prior_frames) / (count + prior_frames)
        level = tf.maximum(tf.cast(mean, tf.float32), recipe.level_least_db)
        return (level_db - level[:, :, None]) / LEVEL_RANGE_DB

    def stem(self, x: Any, *, training: bool = False) -> Any:
        """(N, T / STEP_FRAMES, dense) from normalised frames (N, T, MEL_BINS)."""
        # The first convolution also makes the steps before the first, as a stream of zeros would.
        x = tf.pad(x, [[0, 0], [self.recipe.history_frames, 0], [0, 0]])[..., None]
        for index, layer in enumerate(self.recipe.convolutions, start=1):
            side = layer.kernel[1] // 2
            x = tf.pad(x, [[0, 0], [0, 0], [side, side], [0, 0]])
            x = tf.nn.conv2d(x, self.weights[f"conv{index}"], layer.stride, "VALID")
            x = tf.nn.relu(self._norm(x, f"norm{index}", training))
        flat = tf.reshape(x, [-1, x.shape[1], x.shape[2] * x.shape[3]])
        return flat @ self.weights["dense"] + self.weights["dense_bias"]

    def lstm(self, x: Any) -> Any:
        """(N, steps, hidden) outputs of the LSTM, from zeros."""
        projected = tf.unstack(x @ self.weights["kernel"] + self.weights["lstm_bias"], axis=1)
        recurrent = self.weights["recurrent"]
        hidden = tf.zeros_like(projected[0][:, : self.recipe.hidden])
        cell, outputs = hidden, []
        for step in projected:
            i, f, g, o = tf.split(step + hidden @ recurrent, 4, axis=1)
            cell = tf.sigmoid(f) * cell + tf.sigmoid(i) * tf.tanh(g)
            hidden = tf.sigmoid(o) * tf.tanh(cell)
            outputs.append(hidden)
        return tf.stack(outputs, axis=1)

    def pool(self, hidden: Any) -> Any:
        """Mean of the last ``pool_steps`` outputs, each weighed by its own attention."""
        weight = tf.sigmoid(hidden @ self.weights["score"] + self.weights["score_bias"])
        steps = self.recipe.pool_steps
        return _box(weight * hidden, steps) / (_box(weight, steps) + 1e-4)

    def cool(self, temperature: float) -> None:
        """Divide all logits by ``temperature`` from now on."""
        for name in ("out", "out_bias"):
            self.weights[name].assign(self.weights[name] / temperature)

    def lean(self, outputs: Collection[int], amount: float) -> None:
        """Add ``amount`` to the logits of ``outputs`` from now on."""
        added = [amount if place in outputs else 0.0 for place in range(self.weights["out_bias"].shape[0])]
        self.weights["out_bias"].assign_add(added)

    def arrays(self) -> dict[str, NDArray[np.float32]]:
        """The weights for conversion, with each normalisation folded into the convolution before it."""
        plain = {name: variable.numpy() for name, variable in self.weights.items()}
        for index in range(1, len(self.recipe.convolutions) + 1):
            gain = plain.pop(f"norm{index}_gain")
            shift = plain.pop(f"norm{index}_bias")
            factor = gain / np.sqrt(self.moments[f"norm{index}_variance"].numpy() + _NORM_EPSILON)
            plain[f"conv{index}"] = plain[f"conv{index}"] * factor
            plain[f"conv{index}_bias"] = shift - self.moments[f"norm{index}_mean"].numpy() * factor
        return plain

    def _drop(self, x: Any, rate: float) -> Any:
        """Dropout whose chance is a function of the seed and of how often it was drawn before."""
        if not rate:
            return x
        draws = self.moments["draws"].assign_add(1)
        return tf.nn.experimental.stateless_dropout(x, rate, seed=tf.stack([self._seed, draws]))

    def _norm(self, x: Any, name: str, training: bool) -> Any:
        mean, variance = self.moments[f"{name}_mean"], self.moments[f"{name}_variance"]
        gain, bias = self.weights[f"{name}_gain"], self.weights[f"{name}_bias"]
        if not training:
            return tf.nn.batch_normalization(x, mean, variance, bias, gain, _NORM_EPSILON)
        # The fused operator: the same from plain ones takes a quarter of a training's time.
        fused = tf.raw_ops.FusedBatchNormV3(
            x=x, scale=gain, offset=bias, mean=[], variance=[], epsilon=_NORM_EPSILON, is_training=True
        )
        mean.assign_add(_NORM_PACE * (fused.batch_mean - mean))
        variance.assign_add(_NORM_PACE * (fused.batch_variance - variance))
        return fused.y

    def _add(
        self, name: str, draw: np.random.Generator, shape: tuple[int, ...], inputs: int, gain: float = 1.0
    ) -> None:
        values = draw.normal(0.0, np.sqrt(gain / inputs), shape).astype(np.float32)
        self.weights[name] = tf.Variable(values, name=name)


def _box(x: Any, steps: int) -> Any:
    """Sum over the last ``steps`` of axis 1, fewer at the beginning."""
    total = tf.cumsum(x, axis=1)
    late = tf.pad(total, [[0, 0], [steps, 0], *[[0, 0]] * (len(x.shape) - 2)])[:, : x.shape[1]]
    return total - late
