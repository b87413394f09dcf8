"""classifier.tflite of an anomaly model in three graphs: standardise, core, score.

As in ``model_build.graphs`` the core (dense layers, fused LSTM, the difference to what was heard) is integer
throughout, and the float graphs around it add nothing except whole numbers below 2**24. Float adds those
exactly in any order, which is why a stream cut into calls of any length gives the same bits.
"""

from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from contract.audio import MEL_BINS
from model_build.anomaly.network import STEP_VALUES
from model_build.anomaly.scoring import CENTRE, FAR, FAST, LOUD, SLOW, SOFTNESS
from model_build.graphs import Affine, Arrays, _fused_lstm
from model_build.shape import STEP_FRAMES

_FAST_STEPS = 16.0
"""Steps of a residual per its spread."""
_FAST_COARSE = 64.0
"""Sums of squares are divided by this before a window of them is added."""
_SLOW_STEPS, _SLOW_MOST = 4.0, 456.0
"""Steps of a band's squared mean residual, and most of them: 80 squares stay below 2**24."""


def standard_graph(arrays: Arrays, core_input: Affine) -> Any:
    """Features in, standardised frames out, as the core's int8."""
    least = -128.0 - core_input.zero_point
    gain = (1.0 / (arrays["spread"].astype(np.float64) * core_input.scale)).astype(np.float32)

    def standard(features: Any) -> dict[str, Any]:
        steps = tf.round((tf.cast(features, tf.float32) - tf.constant(arrays["mean"])) * tf.constant(gain))
        clipped = tf.minimum(tf.maximum(steps, least), least + 255.0)
        return {"frames": tf.cast(clipped + float(core_input.zero_point), tf.int8)}

    takes = [tf.TensorSpec([1, None, MEL_BINS], tf.int8, "features")]
    return tf.function(standard, autograph=False, input_signature=takes)


def core_graph(arrays: Arrays) -> Any:
    """Standardised frames (1, T, MEL_BINS) in, what is not rebuilt of them (T / 4, 320) out, in float."""
    lstm = _fused_lstm()
    w = {name: tf.constant(values) for name, values in arrays.items()}

    def core(frames: Any) -> dict[str, Any]:
        steps = tf.reshape(frames, [-1, STEP_VALUES])
        x = tf.nn.relu(tf.matmul(steps, w["dense"]) + w["dense_bias"])
        x = tf.reshape(x, [1, -1, arrays["dense"].shape[1]])
        zeros = tf.zeros([1, arrays["recurrent"].shape[0]])
        heard = lstm(x, zeros, zeros, w["kernel"], w["recurrent"], w["lstm_bias"])[1]
        narrow = tf.matmul(tf.reshape(heard, [-1, arrays["recurrent"].shape[0]]), w["bottleneck"])
        wide = tf.nn.relu(tf.matmul(narrow, w["decoder"]) + w["decoder_bias"])
        return {"residual": steps - (tf.matmul(wide, w["rebuild"]) + w["rebuild_bias"])}

    takes = [tf.TensorSpec([1, None, MEL_BINS], tf.float32)]
    return tf.function(core, autograph=False, input_signature=takes)


def score_graph(arrays: Arrays, window: int, core_output: Affine) -> Any:
    """Residuals as the core's int8 in, one row of 1 − score and score for each out."""
    fast_gain = np.tile(_FAST_STEPS * core_output.scale / arrays["fast_spread"], STEP_FRAMES)
    slow_gain = 1.0 / (_FAST_STEPS * STEP_FRAMES * arrays["slow_spread"])
    most, loud = FAR * _FAST_STEPS, round(LOUD * _FAST_STEPS**2 * STEP_VALUES / _FAST_COARSE)
    # Of the whole numbers that are summed back to means of squares, and of fourth powers.
    units = np.log([_FAST_COARSE / _FAST_STEPS**2 / STEP_VALUES, 1.0 / _SLOW_STEPS**2 / MEL_BINS])
    slope = np.array([1.0, 0.5]) / arrays["log_spread"]
    shift = slope * units - arrays["log_mean"] / arrays["log_spread"]

    def score(residual: Any, state_error: Any) -> dict[str, Any]:
        codes = tf.cast(residual, tf.float32) - float(core_output.zero_point)
        z = tf.round(codes * _constant(fast_gain))
        z = tf.minimum(tf.maximum(z, -most), most)
        square = tf.round(tf.reduce_sum(z * z, axis=1, keepdims=True) * (1.0 / _FAST_COARSE))
        square = tf.minimum(square, float(loud))
        total = tf.reduce_sum(tf.reshape(z, [-1, STEP_FRAMES, MEL_BINS]), axis=1)
        fresh = tf.reshape(tf.concat([total, square], axis=1), [1, -1, MEL_BINS + 1])
        heard = tf.concat([state_error, fresh], axis=1)
        mean = tf.nn.avg_pool2d(heard[:, :, None, :], (window, 1), (1, 1), "VALID")
        mean_total, mean_square = tf.split(tf.reshape(mean, [-1, MEL_BINS + 1]), [MEL_BINS, 1], axis=1)
        band = mean_total * _constant(slow_gain)
        power = tf.minimum(tf.round(band * band * _SLOW_STEPS), _SLOW_MOST)
        fourth = tf.reduce_sum(power * power, axis=1, keepdims=True)
        logs = [tf.math.log(tf.maximum(x, 1.0)) for x in (mean_square, fourth)]
        spreads = [x * float(slope[i]) + float(shift[i]) for i, x in enumerate(logs)]
        above = tf.maximum(spreads[FAST], spreads[SLOW])
        both = tf.sigmoid(tf.concat([CENTRE - above, above - CENTRE], axis=1) * (1.0 / SOFTNESS))
        return {
            "posteriors": tf.reshape(both, [1, -1, 2]),
            "state_error_out": heard[:, -(window - 1) :],
        }

    return tf.function(
        score,
        autograph=False,
        input_signature=[
            tf.TensorSpec([None, STEP_VALUES], tf.int8, "residual"),
            tf.TensorSpec([1, window - 1, MEL_BINS + 1], tf.float32, "state_error"),
        ],
    )


def _constant(values: NDArray[np.floating[Any]]) -> Any:
    return tf.constant(values.astype(np.float32))
