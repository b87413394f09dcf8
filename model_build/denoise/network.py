"""The mask in float, for training: powers of the spectra, a dense layer, two LSTM, a mask for each bin.

One step of the LSTM is a hop, that is two spectra. Everything is causal and starts from zeros, so that a
recording in one piece and the same as a stream agree.
"""

from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from contract.denoise.spectra import BINS, PER_HOP
from model_build.denoise.recipe import NetworkRecipe
from model_build.denoise.shape import LEAST_POWER

Arrays = dict[str, NDArray[np.float32]]


class Network:
    """Weights, and the way from magnitudes to masks."""

    def __init__(self, recipe: NetworkRecipe, mean: NDArray[Any], spread: NDArray[Any], seed: int) -> None:
        draw, hidden, dense = np.random.default_rng(seed), recipe.hidden, recipe.dense
        self._dropout = recipe.dropout
        self._mean, self._spread = mean.astype(np.float32), spread.astype(np.float32)
        shapes = {
            "dense": (BINS, dense),
            "kernel1": (PER_HOP * dense, 4 * hidden),
            "kernel2": (hidden, 4 * hidden),
            "mask": (hidden, PER_HOP * BINS),
        }
        values = {name: draw.normal(0, shape[0] ** -0.5, shape) for name, shape in shapes.items()}
        values |= {f"recurrent{layer}": _orthogonal(draw, hidden) for layer in (1, 2)}
        values |= {"dense_bias": np.zeros(dense), "mask_bias": np.zeros(PER_HOP * BINS)}
        remembering: NDArray[np.float64] = np.zeros(4 * hidden)
        remembering[hidden : 2 * hidden] = 1.0  # an LSTM that forgets at first learns slowly
        values |= {"bias1": remembering, "bias2": remembering}
        self.weights = {
            name: tf.Variable(array.astype(np.float32), name=name) for name, array in sorted(values.items())
        }

    def mask(self, magnitudes: Any, *, dropout_step: Any = None) -> Any:
        """(N, T, BINS) masks for magnitudes (N, T, BINS) from the beginning of a stream; T are whole hops.

        While it learns, ``dropout_step`` says which part is left out.
        """
        w, spectra = self.weights, magnitudes.shape[1]
        levels = (tf.math.log(magnitudes * magnitudes + LEAST_POWER) - self._mean) / self._spread
        x = tf.nn.relu(levels @ w["dense"] + w["dense_bias"])
        x = tf.reshape(x, [-1, spectra // PER_HOP, PER_HOP * x.shape[2]])
        for layer in (1, 2):
            if dropout_step is not None and self._dropout:
                seed = tf.stack([layer, tf.cast(dropout_step, tf.int32)])
                x = tf.nn.experimental.stateless_dropout(x, self._dropout, seed=seed)
            x = _lstm(x, *(w[f"{part}{layer}"] for part in ("kernel", "recurrent", "bias")))
        return tf.reshape(tf.sigmoid(x @ w["mask"] + w["mask_bias"]), [-1, spectra, BINS])

    def arrays(self) -> Arrays:
        """All that the exported graph is made of."""
        learned = {name: variable.numpy() for name, variable in self.weights.items()}
        return {**learned, "mean": self._mean, "spread": self._spread}

    def assign(self, arrays: Arrays) -> None:
        """Take weights over."""
        for name, variable in self.weights.items():
            variable.assign(arrays[name])


def _lstm(x: Any, kernel: Any, recurrent: Any, bias: Any) -> Any:
    projected = tf.unstack(x @ kernel + bias, axis=1)
    hidden = tf.zeros_like(projected[0][:, : recurrent.shape[0]])
    cell, outputs = hidden, []
    for step in projected:
        i, f, g, o = tf.split(step + hidden @ recurrent, 4, axis=1)
        cell = tf.sigmoid(f) * cell + tf.sigmoid(i) * tf.tanh(g)
        hidden = tf.sigmoid(o) * tf.tanh(cell)
        outputs.append(hidden)
    return tf.stack(outputs, axis=1)


def _orthogonal(draw: np.random.Generator, size: int) -> NDArray[np.float64]:
    return np.concatenate([np.linalg.qr(draw.normal(size=(size, size)))[0] for _ in range(4)], axis=1)
