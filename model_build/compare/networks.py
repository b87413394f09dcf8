"""Other networks than ours, on the same features, for the same trainer."""

from dataclasses import replace
from typing import Any, Final

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from contract.audio import MEL_BINS
from model_build.network import Network
from model_build.recipe import Convolution, NetworkRecipe
from model_build.shape import STEP_FRAMES


class Gru(Network):
    """Our network with a gated recurrent unit instead of the LSTM (Cho et al. 2014)."""

    def __init__(self, recipe: NetworkRecipe, labels: int, seed: int) -> None:
        super().__init__(recipe, labels, seed)
        draw = np.random.default_rng([seed, 1])
        hidden = recipe.hidden
        self._add("kernel", draw, (recipe.dense, 3 * hidden), recipe.dense)
        self._add("recurrent", draw, (hidden, 3 * hidden), hidden)
        # A gate that lets the state pass at first, as the LSTM's forget gate does.
        bias = np.concatenate([np.ones(hidden), np.zeros(2 * hidden)]).astype(np.float32)
        self.weights["lstm_bias"] = tf.Variable(bias, name="lstm_bias")
        self.weights["reset_bias"] = tf.Variable(np.zeros(hidden, np.float32), name="reset_bias")

    def lstm(self, x: Any) -> Any:
        """(N, steps, hidden) outputs, from zeros; reset after the product, as fast kernels have it."""
        projected = tf.unstack(x @ self.weights["kernel"] + self.weights["lstm_bias"], axis=1)
        hidden = tf.zeros_like(projected[0][:, : self.recipe.hidden])
        outputs = []
        for step in projected:
            update, reset, fresh = tf.split(step, 3, axis=1)
            from_update, from_reset, from_fresh = tf.split(hidden @ self.weights["recurrent"], 3, axis=1)
            keep = tf.sigmoid(update + from_update)
            heard = tf.sigmoid(reset + from_reset) * (from_fresh + self.weights["reset_bias"])
            hidden = keep * hidden + (1.0 - keep) * tf.tanh(fresh + heard)
            outputs.append(hidden)
        return tf.stack(outputs, axis=1)


CRNN_CONVOLUTIONS: Final = (
    Convolution(channels=16, kernel=(3, 3), stride=(2, 2)),
    Convolution(channels=16, kernel=(5, 3), stride=(2, 1)),
)
CRNN_PROJECTED, CRNN_HIDDEN, CRNN_DENSE = 128, 256, 128


class Crnn(Gru):
    """Two convolutions, a wide gated recurrent unit and a dense layer that reads its last output.

    The shape of kws_streaming's CRNN (Rybakov et al. 2020: 16 channels of 3 × 3 and 5 × 3, 256 units, a dense
    layer of 128), causal, with one step per 80 ms as ours and a projection before the unit.
    """

    def __init__(self, recipe: NetworkRecipe, labels: int, seed: int) -> None:
        wide = replace(recipe, convolutions=CRNN_CONVOLUTIONS, dense=CRNN_PROJECTED, hidden=CRNN_HIDDEN)
        super().__init__(wide, labels, seed)
        draw = np.random.default_rng([seed, 2])
        for unused in ("score", "score_bias"):
            del self.weights[unused]
        self._add("last", draw, (CRNN_HIDDEN, CRNN_DENSE), CRNN_HIDDEN, gain=2.0)
        self._add("out", draw, (CRNN_DENSE, labels), CRNN_DENSE)
        self.weights["last_bias"] = tf.Variable(np.zeros(CRNN_DENSE, np.float32), name="last_bias")

    def pool(self, hidden: Any) -> Any:
        """(N, steps, CRNN_DENSE) of each output alone."""
        return tf.nn.relu(hidden @ self.weights["last"] + self.weights["last_bias"])


DS_CHANNELS, DS_BLOCKS = 64, 4
_DS_BANDS = MEL_BINS // 2


class DsCnn(Network):
    """MLPerf Tiny's keyword spotter (Zhang et al. 2017, Banbury et al. 2021) on 40 bands.

    A convolution of 10 × 4 with a stride of two, four depthwise-separable blocks of 64 channels, the average
    over everything heard, one dense layer. It judges a window as a whole: every step gets the same answer.
    """

    def __init__(self, recipe: NetworkRecipe, labels: int, seed: int) -> None:
        # The level's normalisation is the recipe's; nothing else of it is used.
        self.recipe = recipe
        self.weights: dict[str, tf.Variable] = {}
        self.moments: dict[str, tf.Variable] = {}
        draw = np.random.default_rng(seed)
        self._layer("first", draw, (10, 4, 1, DS_CHANNELS), 40, DS_CHANNELS)
        for block in range(DS_BLOCKS):
            self._layer(f"depth{block}", draw, (3, 3, DS_CHANNELS, 1), 9, DS_CHANNELS)
            self._layer(f"point{block}", draw, (1, 1, DS_CHANNELS, DS_CHANNELS), DS_CHANNELS, DS_CHANNELS)
        self._add("out", draw, (DS_CHANNELS, labels), DS_CHANNELS)
        self.weights["out_bias"] = tf.Variable(np.zeros(labels, np.float32), name="out_bias")

    def logits(self, features: Any, *, training: bool, dropout: float = 0.0) -> Any:
        """(N, steps, K), the same in each of T / STEP_FRAMES steps."""
        found = self.judge(self.normalize(features), training=training, dropout=dropout if training else 0.0)
        return tf.repeat(found[:, None], features.shape[1] // STEP_FRAMES, axis=1)

    def judge(self, x: Any, *, training: bool = False, dropout: float = 0.0) -> Any:
        """(N, K) from normalised frames (N, T, MEL_BINS)."""
        x = tf.reduce_mean(tf.reshape(x, [-1, x.shape[1], _DS_BANDS, 2]), axis=3)[..., None]
        x = self._active(tf.nn.conv2d(x, self.weights["first"], 2, "SAME"), "first", training)
        x = tf.nn.dropout(x, dropout) if dropout else x
        for block in range(DS_BLOCKS):
            x = tf.nn.depthwise_conv2d(x, self.weights[f"depth{block}"], (1, 1, 1, 1), "SAME")
            x = self._active(x, f"depth{block}", training)
            x = tf.nn.conv2d(x, self.weights[f"point{block}"], 1, "SAME")
            x = self._active(x, f"point{block}", training)
        pooled = tf.reduce_mean(x, axis=[1, 2])
        pooled = tf.nn.dropout(pooled, dropout) if dropout else pooled
        return pooled @ self.weights["out"] + self.weights["out_bias"]

    def _layer(
        self, name: str, draw: np.random.Generator, shape: tuple[int, ...], inputs: int, channels: int
    ) -> None:
        self._add(name, draw, shape, inputs, gain=2.0)
        ones: NDArray[np.float32] = np.ones(channels, np.float32)
        self.weights[f"{name}_gain"] = tf.Variable(ones, name=f"{name}_gain")
        self.weights[f"{name}_bias"] = tf.Variable(0 * ones, name=f"{name}_bias")
        self.moments[f"{name}_mean"] = tf.Variable(0 * ones, trainable=False, name=f"{name}_mean")
        self.moments[f"{name}_variance"] = tf.Variable(ones, trainable=False, name=f"{name}_variance")

    def _active(self, x: Any, name: str, training: bool) -> Any:
        return tf.nn.relu(self._norm(x, name, training))


NETWORKS: Final[dict[str, type[Network]]] = {"lstm": Network, "gru": Gru, "crnn": Crnn, "ds-cnn": DsCnn}


def judge_frames(network: Network, frames: Any) -> Any:
    """(N, K) logits after the last of normalised ``frames`` (N, T, MEL_BINS): all but the normalisation."""
    if isinstance(network, DsCnn):
        return network.judge(frames)
    pooled = network.pool(network.lstm(network.stem(frames)))
    return pooled[:, -1] @ network.weights["out"] + network.weights["out_bias"]
