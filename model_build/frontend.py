"""preprocess.tflite: sound in, the product's one feature tensor out.

DC removal, window, FFT, mel filters, decibels, noise floor, int8: in this order, some hops per run. The float
parts are float because squared power fits no integer; only the mel weights are int8.

What is the same for every hop is computed for all hops of a run together, which halves the cost of a hop.
What one hop leaves to the next is computed hop by hop, in the order in which runs of one hop would do it, so
that the number of hops per run changes no bit of any frame.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from contract.audio import (
    FEATURE_SCALE_DB,
    FEATURE_ZERO_POINT,
    HOP_SAMPLES,
    MEL_BINS,
    RATE_HZ,
    WINDOW_SAMPLES,
)
from model_build.mel import mel_weights, quantize_rows
from model_build.recipe import FrontendRecipe
from model_build.shape import STEP_FRAMES

HOPS_PER_RUN = STEP_FRAMES
"""As many as the classifier needs for a posterior: larger runs would cost hardly less."""

HISTORY_SAMPLES = WINDOW_SAMPLES - HOP_SAMPLES
STATE_SIZE = HISTORY_SAMPLES + 1 + MEL_BINS
"""Filtered samples before the hop, the last raw sample, and the noise floor of each band."""

LEAST_DB = -120.0
"""Zero of the floor's state, so that a fresh stream (all zeros) suppresses nothing."""

_BLOCK = 16
_ROWS, _COLUMNS = 32, 16
_HALF = _ROWS // 2 + 1
# What a full-scale sine adds up to under a Hann window: half its amplitude times the window's sum.
FULL_SCALE = 32768.0 * WINDOW_SAMPLES / 4


def hann() -> NDArray[np.float64]:
    """(WINDOW_SAMPLES,) periodic Hann window."""
    return 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(WINDOW_SAMPLES) / WINDOW_SAMPLES)


def pole(high_pass_hz: float) -> float:
    """Pole of the one-pole high-pass whose corner is at ``high_pass_hz``."""
    return float(np.exp(-2 * np.pi * high_pass_hz / RATE_HZ))


def folded_bins() -> NDArray[np.int64]:
    """(272,) power bin of each output of the two-stage FFT; the power of a real signal is even."""
    k = (np.arange(_HALF)[:, None] + _ROWS * np.arange(_COLUMNS)[None, :]).reshape(-1)
    return np.asarray(np.minimum(k, WINDOW_SAMPLES - k))


def folded_mel() -> NDArray[np.float64]:
    """(MEL_BINS, 272) mel weights in the order of the two-stage FFT, each power bin counted once."""
    bins = folded_bins()
    first = np.zeros(bins.size, dtype=bool)
    first[np.unique(bins, return_index=True)[1]] = True
    return np.asarray(mel_weights()[:, bins] * first)


def build_frontend(recipe: FrontendRecipe, hops: int = HOPS_PER_RUN) -> Any:
    """The graph as a TensorFlow function of ``pcm`` (1, hops * 320) int16 and ``state`` (1, 273) float32."""
    import tensorflow as tf

    def preprocess(pcm: Any, state: Any) -> dict[str, Any]:
        sound = tf.cast(pcm, tf.float32)
        history, previous, floor = tf.split(state, [HISTORY_SAMPLES, 1, MEL_BINS], axis=1)
        filtered = _high_pass(tf, sound, previous, history[:, -1:], pole(recipe.high_pass_hz))
        heard = tf.concat([history, filtered], axis=1)
        level_db = _level_db(tf, _windows(tf, heard, hops))
        floors = _track(tf, level_db - LEAST_DB, floor, recipe)
        above_floor = level_db - LEAST_DB - tf.concat(floors, axis=0)
        features = _to_int8(tf, level_db - _attenuation_db(tf, above_floor, recipe))
        state_out = tf.concat([heard[:, -HISTORY_SAMPLES:], sound[:, -1:], floors[-1]], axis=1)
        return {"features": tf.reshape(features, [1, hops, MEL_BINS]), "state_out": state_out}

    return tf.function(
        preprocess,
        input_signature=[
            tf.TensorSpec([1, hops * HOP_SAMPLES], tf.int16, "pcm"),
            tf.TensorSpec([1, STATE_SIZE], tf.float32, "state"),
        ],
        autograph=False,
    )


def _high_pass(tf: Any, sound: Any, previous: Any, last: Any, r: float) -> Any:
    """``y[n] = r y[n-1] + (1 + r) / 2 (x[n] - x[n-1])``; in blocks, two small matrices do the recursion."""
    blocks = HOP_SAMPLES // _BLOCK
    steps = np.arange(_BLOCK)
    lag = steps[None, :] - steps[:, None]
    within = np.where(lag >= 0, r ** np.maximum(lag, 0), 0.0) * (1 + r) / 2
    rows = np.arange(blocks)
    row_lag = rows[:, None] - rows[None, :] - 1
    across = np.where(row_lag >= 0, (r**_BLOCK) ** np.maximum(row_lag, 0), 0.0)
    change = sound - tf.concat([previous, sound[:, :-1]], axis=1)
    local = tf.matmul(tf.reshape(change, [-1, _BLOCK]), _constant(tf, within))
    ends = tf.reshape(local[:, -1:], [-1, blocks])
    carried = tf.matmul(ends, _constant(tf, across.T))
    carried += _lasts(tf, ends, carried, last, r) * _constant(tf, (r**_BLOCK) ** rows)
    decay = tf.reshape(carried, [-1, 1]) * _constant(tf, r ** (steps + 1.0))
    return tf.reshape(local + decay, [1, -1])


def _lasts(tf: Any, ends: Any, carried: Any, last: Any, r: float) -> Any:
    """(hops, 1) filtered sample before each hop; ``last`` is that before the first."""
    hops, blocks = ends.shape
    before = [last]
    for end, carry in zip(*(tf.split(x[:, -1:], hops) for x in (ends, carried)), strict=True):
        over_hop, over_block = _constant(tf, (r**_BLOCK) ** (blocks - 1.0)), _constant(tf, r ** float(_BLOCK))
        before.append(end + (carry + before[-1] * over_hop) * over_block)
    return tf.concat(before[:-1], axis=0)


def _windows(tf: Any, heard: Any, hops: int) -> Any:
    """(hops, WINDOW_SAMPLES): the samples that end with each hop."""
    starts = range(0, hops * HOP_SAMPLES, HOP_SAMPLES)
    return tf.concat([heard[:, start : start + WINDOW_SAMPLES] for start in starts], axis=0)


def _level_db(tf: Any, windows: Any) -> Any:
    """(hops, MEL_BINS) decibels; 0 dB is a full-scale sine in one bin. A 512-point FFT as 32 × 16."""
    rows, half, columns = np.arange(_ROWS), np.arange(_HALF), np.arange(_COLUMNS)
    first = np.exp(-2j * np.pi * np.outer(rows, half) / _ROWS)
    twiddle = np.exp(-2j * np.pi * np.outer(columns, half) / WINDOW_SAMPLES)
    second = np.exp(-2j * np.pi * np.outer(columns, columns) / _COLUMNS)
    tapered = tf.reshape(windows * _constant(tf, hann() / FULL_SCALE), [-1, _ROWS, _COLUMNS])
    stage = _matmul(tf, tf.transpose(tapered, [0, 2, 1]), np.hstack([first.real, first.imag]))
    re, im = tf.split(stage, 2, axis=2)
    c, s = _constant(tf, twiddle.real), _constant(tf, twiddle.imag)
    turned = tf.transpose(tf.concat([re * c - im * s, re * s + im * c], axis=1), [0, 2, 1])
    matrix = np.block([[second.real, second.imag], [-second.imag, second.real]])
    re, im = tf.split(_matmul(tf, turned, matrix), 2, axis=2)
    power = tf.reshape(re * re + im * im, [-1, _HALF * _COLUMNS])
    codes, scale = quantize_rows(folded_mel())
    # Replaced by its int8 codes once converted: the converter itself would fold a dequantisation away.
    mel = tf.matmul(power, _constant(tf, (codes * scale[:, None]).T))
    return tf.math.log(tf.maximum(mel, 10.0 ** (LEAST_DB / 10))) * (10.0 / np.log(10.0))


def _matmul(tf: Any, stack: Any, matrix: NDArray[np.float64]) -> Any:
    """Each matrix of ``stack`` (hops, N, n) times the same one, as one product."""
    hops, rows, columns = stack.shape
    product = tf.matmul(tf.reshape(stack, [hops * rows, columns]), _constant(tf, matrix))
    return tf.reshape(product, [hops, rows, -1])


def _track(tf: Any, levels: Any, floor: Any, recipe: FrontendRecipe) -> list[Any]:
    """The noise floor after each hop: up by at most a fixed step, down by a part of the way."""
    rise_db = recipe.floor_rise_db_per_s * HOP_SAMPLES / RATE_HZ
    floors = [floor]
    for level in tf.split(levels, levels.shape[0]):
        change = tf.nn.leaky_relu(level - floors[-1], recipe.floor_fall)
        floors.append(floors[-1] + tf.minimum(change, rise_db))
    return floors[1:]


def _attenuation_db(tf: Any, above_floor: Any, recipe: FrontendRecipe) -> Any:
    """Whole bound near the floor, nothing well above it, a straight line between."""
    part = (recipe.margin_db + recipe.fade_db - above_floor) * (1.0 / recipe.fade_db)
    return tf.minimum(tf.maximum(part, 0.0), 1.0) * recipe.suppression_db


def _to_int8(tf: Any, level_db: Any) -> Any:
    steps = tf.round(level_db * (1.0 / FEATURE_SCALE_DB)) + float(FEATURE_ZERO_POINT)
    return tf.cast(tf.minimum(tf.maximum(steps, -128.0), 127.0), tf.int8)


def _constant(tf: Any, values: NDArray[np.floating[Any]] | float) -> Any:
    return tf.constant(np.asarray(values, dtype=np.float32))
