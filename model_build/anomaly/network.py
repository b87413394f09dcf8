"""The autoencoder in float, for training: frames, an LSTM, a bottleneck, the same frames again.

Step by step: 4 frames of 80 bands, standardised by the normal sound's mean and spread in each band; a dense
layer; the LSTM; a bottleneck; a dense layer; the same 4 frames. What is not rebuilt is the residual.
Everything is causal and starts from zeros, so that a file and the same file as a stream agree.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from contract.audio import FEATURE_SCALE_DB, MEL_BINS
from model_build.anomaly.recipe import NetworkRecipe
from model_build.shape import STEP_FRAMES

STEP_VALUES = STEP_FRAMES * MEL_BINS

LEAST_SPREAD_DB = 1.0
"""A band that hardly moves, such as one at the bottom of the range, is not blown up beyond this."""


class Standard:
    """Mean and spread of each band of the normal sound, in int8 units."""

    def __init__(self, mean: NDArray[np.float32], spread: NDArray[np.float32]) -> None:
        self.mean, self.spread = mean, spread

    @classmethod
    def of(cls, recordings: Sequence[NDArray[np.int8]]) -> "Standard":
        """That of all frames (T, MEL_BINS) of ``recordings``."""
        frames = np.concatenate(recordings).astype(np.float64)
        spread = np.maximum(frames.std(axis=0), LEAST_SPREAD_DB / FEATURE_SCALE_DB)
        return cls(frames.mean(axis=0).astype(np.float32), spread.astype(np.float32))

    def frames(self, features: Any) -> Any:
        """Features (..., MEL_BINS) in int8 units as frames around zero."""
        return (features - self.mean) / self.spread


class Network:
    """Weights, and the way from standardised frames to what is left of them."""

    def __init__(self, recipe: NetworkRecipe, seed: int) -> None:
        self.recipe = recipe
        draw = np.random.default_rng(seed)
        hidden = recipe.hidden
        shapes = {
            "dense": (STEP_VALUES, recipe.dense),
            "kernel": (recipe.dense, 4 * hidden),
            "recurrent": (hidden, 4 * hidden),
            "bottleneck": (hidden, recipe.bottleneck),
            "decoder": (recipe.bottleneck, recipe.decoder),
            "rebuild": (recipe.decoder, STEP_VALUES),
        }
        lstm_bias = np.zeros(4 * hidden, np.float32)
        lstm_bias[hidden : 2 * hidden] = 1.0  # an LSTM that forgets at first learns slowly
        self.weights = {
            **{
                name: _variable(name, draw.normal(0, shape[0] ** -0.5, shape))
                for name, shape in shapes.items()
            },
            "dense_bias": _variable("dense_bias", np.zeros(recipe.dense)),
            "lstm_bias": _variable("lstm_bias", lstm_bias),
            "decoder_bias": _variable("decoder_bias", np.zeros(recipe.decoder)),
            "rebuild_bias": _variable("rebuild_bias", np.zeros(STEP_VALUES)),
        }

    def residual(self, frames: Any, holed: Any = None) -> Any:
        """(N, S, STEP_VALUES) what is not rebuilt of frames (N, 4 S, MEL_BINS).

        While it learns it is given the frames with holes, and must fill them.
        """
        shape, w = [-1, frames.shape[1] // STEP_FRAMES, STEP_VALUES], self.weights
        steps = tf.reshape(frames, shape)
        given = steps if holed is None else tf.reshape(holed, shape)
        x = tf.nn.relu(given @ w["dense"] + w["dense_bias"])
        narrow = self._lstm(x) @ w["bottleneck"]
        wide = tf.nn.relu(narrow @ w["decoder"] + w["decoder_bias"])
        return steps - (wide @ w["rebuild"] + w["rebuild_bias"])

    def arrays(self) -> dict[str, NDArray[np.float32]]:
        """The weights, for conversion."""
        return {name: variable.numpy() for name, variable in self.weights.items()}

    def _lstm(self, x: Any) -> Any:
        """(N, S, hidden) outputs of the LSTM, from zeros."""
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


def _variable(name: str, values: NDArray[Any]) -> Any:
    return tf.Variable(values.astype(np.float32), name=name)
