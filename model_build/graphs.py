"""classifier.tflite in three graphs: level, core, readout.

Only the core (convolutions, dense, fused LSTM) multiplies much, and it is integer throughout. Level and
readout are float but add nothing except whole numbers below 2**24. Float adds those exactly in any order,
which is why a stream cut into calls of any length gives the same bits as the clip in one piece.
"""

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from contract.audio import FEATURE_SCALE_DB, FEATURE_ZERO_POINT, MEL_BINS
from model_build.recipe import NetworkRecipe
from model_build.shape import LEVEL_RANGE_DB

Arrays = dict[str, NDArray[Any]]

_EXACT = 2.0**24
"""Up to here every whole number is a float32, so that sums of them are exact in any order."""

POOL_FRACTION = 8.0
"""Steps of the pooled output per step of the LSTM's output."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Affine:
    """Quantisation of a tensor: ``(code - zero_point) * scale``."""

    scale: float
    zero_point: int


HIDDEN = Affine(scale=1 / 127, zero_point=0)
"""The output of an LSTM in float lies between -1 and 1."""

_FRAMES = tf.TensorSpec([1, None, MEL_BINS], tf.float32)


def level_graph(recipe: NetworkRecipe, core_input: Affine) -> Any:
    """Features in, frames relative to the running mean level out, as the core's int8."""
    least = -128.0 - core_input.zero_point
    prior = FEATURE_ZERO_POINT + recipe.level_prior_db / FEATURE_SCALE_DB
    quietest = FEATURE_ZERO_POINT + recipe.level_least_db / FEATURE_SCALE_DB
    frames, weight = float(recipe.level_frames), recipe.level_prior_frames

    def level(features: Any, state_level: Any, state_stem: Any) -> dict[str, Any]:
        codes = tf.cast(features, tf.float32)
        total = tf.reduce_sum(codes, axis=2, keepdims=True)
        heard = tf.concat([state_level, tf.concat([total, total * 0.0 + 1.0], axis=2)], axis=1)
        mean, count = tf.split(_box_mean(heard, recipe.level_frames) * frames, 2, axis=2)
        running = tf.maximum((mean / float(MEL_BINS) + prior * weight) / (count + weight), quietest)
        steps = tf.round((codes - running) * (FEATURE_SCALE_DB / LEVEL_RANGE_DB / core_input.scale))
        centred = tf.minimum(tf.maximum(steps, least), least + 255.0)
        frames_in = tf.concat([state_stem, centred], axis=1)
        return {
            "frames": tf.cast(frames_in + float(core_input.zero_point), tf.int8),
            "state_level_out": heard[:, -(recipe.level_frames - 1) :],
            "state_stem_out": frames_in[:, -recipe.history_frames :],
        }

    return tf.function(
        level,
        autograph=False,
        input_signature=[
            tf.TensorSpec([1, None, MEL_BINS], tf.int8, "features"),
            tf.TensorSpec([1, recipe.level_frames - 1, 2], tf.float32, "state_level"),
            tf.TensorSpec([1, recipe.history_frames, MEL_BINS], tf.float32, "state_stem"),
        ],
    )


def core_graph(weights: Arrays, recipe: NetworkRecipe) -> Any:
    """Normalised frames (1, history + T, MEL_BINS) in, LSTM outputs (1, steps, hidden) out, in float."""
    lstm = _lstm(weights)

    def core(frames: Any) -> dict[str, Any]:
        return {"hidden": lstm(_stem(weights, recipe, frames))}

    return tf.function(core, autograph=False, input_signature=[_FRAMES])


def stem_graph(weights: Arrays, recipe: NetworkRecipe) -> Any:
    """``core_graph`` without its LSTM: rows (1, steps, dense) out."""

    def stem(frames: Any) -> dict[str, Any]:
        return {"rows": _stem(weights, recipe, frames)}

    return tf.function(stem, autograph=False, input_signature=[_FRAMES])


def lstm_graph(weights: Arrays, stem_output: Affine) -> Any:
    """The LSTM by itself, in float between the stem's int8 and an int8 of ``HIDDEN``."""
    lstm = _lstm(weights)

    def run(rows_in: Any) -> dict[str, Any]:
        rows = (tf.cast(rows_in, tf.float32) - float(stem_output.zero_point)) * stem_output.scale
        return {"hidden": tf.cast(tf.round(lstm(rows) * (1.0 / HIDDEN.scale)), tf.int8)}

    takes = tf.TensorSpec([1, None, weights["kernel"].shape[0]], tf.int8, "rows")
    return tf.function(run, autograph=False, input_signature=[takes])


def readout_graph(weights: Arrays, recipe: NetworkRecipe, core_output: Affine) -> Any:
    """LSTM outputs as the core's int8 in, one row of posteriors for each out."""
    score, score_scale = _whole(weights["score"])
    out, out_scale = _whole(weights["out"])
    steps, hidden = recipe.pool_steps, recipe.hidden

    def readout(hidden_in: Any, state_pool: Any) -> dict[str, Any]:
        codes = tf.reshape(tf.cast(hidden_in, tf.float32) - float(core_output.zero_point), [-1, hidden])
        logit = _exact_matmul(codes, score) * (score_scale * core_output.scale)
        attention = (
            tf.round(tf.sigmoid(logit + tf.constant(weights["score_bias"])) * attention_steps(steps)) + 1.0
        )
        fresh = tf.reshape(tf.concat([codes * attention, attention], axis=1), [1, -1, hidden + 1])
        heard = tf.concat([state_pool, fresh], axis=1)
        weighed, weight = tf.split(_box_mean(heard, steps), [hidden, 1], axis=2)
        pooled = tf.reshape(tf.round(weighed / weight * POOL_FRACTION), [-1, hidden])
        logits = _exact_matmul(pooled, out) * tf.constant(out_scale * core_output.scale / POOL_FRACTION)
        posteriors = tf.nn.softmax(logits + tf.constant(weights["out_bias"]))
        return {
            "posteriors": tf.reshape(posteriors, [1, -1, out.shape[1]]),
            "state_pool_out": heard[:, -(steps - 1) :],
        }

    return tf.function(
        readout,
        autograph=False,
        input_signature=[
            tf.TensorSpec([1, None, hidden], tf.int8, "hidden"),
            tf.TensorSpec([1, steps - 1, hidden + 1], tf.float32, "state_pool"),
        ],
    )


def _stem(weights: Arrays, recipe: NetworkRecipe, frames: Any) -> Any:
    """Rows (1, steps, dense) of normalised frames (1, history + T, MEL_BINS)."""
    x = frames[..., None]
    for index, layer in enumerate(recipe.convolutions, start=1):
        side = layer.kernel[1] // 2
        x = tf.pad(x, [[0, 0], [0, 0], [side, side], [0, 0]])
        x = tf.nn.conv2d(x, tf.constant(weights[f"conv{index}"]), layer.stride, "VALID")
        x = tf.nn.relu(x + tf.constant(weights[f"conv{index}_bias"]))
    x = tf.reshape(x, [-1, weights["dense"].shape[0]])
    x = tf.matmul(x, tf.constant(weights["dense"])) + tf.constant(weights["dense_bias"])
    return tf.reshape(x, [1, -1, weights["dense"].shape[1]])


def _lstm(weights: Arrays) -> Callable[[Any], Any]:
    """From rows (1, steps, dense) to outputs (1, steps, hidden), from zeros."""
    fused = _fused_lstm()

    def run(rows: Any) -> Any:
        zeros = tf.zeros([1, weights["recurrent"].shape[0]])
        kernels = [tf.constant(weights[name]) for name in ("kernel", "recurrent", "lstm_bias")]
        return fused(rows, zeros, zeros, *kernels)[1]

    return run


def attention_steps(pool_steps: int) -> float:
    """Steps of an attention weight over ``pool_steps``; one more is added so that no weight is zero.

    As many as the sum of weighted int8 codes leaves exact: attention is often a small number.

    >>> attention_steps(13), attention_steps(50)
    (10081.0, 2620.0)
    """
    return float(_EXACT // (128 * pool_steps)) - 1.0


def _box_mean(x: Any, steps: int) -> Any:
    """Mean over every ``steps`` successive rows of axis 1: whole numbers, so that the sum is exact."""
    return tf.nn.avg_pool2d(x[:, :, None, :], (steps, 1), 1, "VALID")[:, :, 0, :]


def _exact_matmul(codes: Any, weights: NDArray[np.float32]) -> Any:
    """Product of whole numbers; rounding keeps the converter from folding what follows into the weights."""
    return tf.round(tf.matmul(codes, tf.constant(weights)))


def _whole(weights: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Weights as whole numbers of int8's range, and the scale of each column."""
    scale = np.maximum(np.abs(weights).max(axis=0), 1e-9) / 127.0
    return np.round(weights / scale).astype(np.float32), scale.astype(np.float32)


def _fused_lstm() -> Any:
    """A function that the converter knows as Keras' LSTM and turns into the one fused operator."""

    def standard_lstm(x: Any, hidden: Any, cell: Any, kernel: Any, recurrent: Any, bias: Any) -> Any:
        def step(state: Any, row: Any) -> Any:
            i, f, g, o = tf.split(row @ kernel + state[0] @ recurrent + bias, 4, axis=1)
            fresh = tf.sigmoid(f) * state[1] + tf.sigmoid(i) * tf.tanh(g)
            return tf.sigmoid(o) * tf.tanh(fresh), fresh

        outputs, cells = tf.scan(step, tf.transpose(x, [1, 0, 2]), (hidden, cell))
        sequence = tf.transpose(outputs, [1, 0, 2])
        return sequence[:, -1], sequence, outputs[-1], cells[-1], tf.constant(2.0)

    return tf.function(
        standard_lstm,
        autograph=False,
        experimental_attributes={
            "api_implements": f"lstm_{uuid.UUID(int=0)}",
            "api_preferred_device": "CPU",
            "go_backwards": False,
            "time_major": False,
        },
    )
