"""denoise.tflite: a hop of sound in, a hop of sound out, later by the windows' overlap and without the noise.

High-pass, spectra (twice a hop), the logarithm of their powers, a dense layer, two LSTM, a mask for every
bin, sound again. All that one hop leaves to the next is in one tensor: a stream may be cut between any hops.
The spectra are float; the weights of the network are int8 (``model_build.denoise.convert``).
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from contract.audio import HOP_SAMPLES, WINDOW_SAMPLES
from contract.denoise.spectra import (
    DELAY_SAMPLES,
    PER_HOP,
    STRIDE_SAMPLES,
    analysis_window,
    pole,
    synthesis_window,
)
from model_build.denoise.shape import LEAST_POWER
from model_build.frontend import _COLUMNS, _HALF, _ROWS, _constant, _high_pass, _matmul, folded_bins

Arrays = dict[str, NDArray[Any]]

_FULL_SCALE = 32768.0
_FOLDED = _HALF * _COLUMNS


def state_size(hidden: int) -> int:
    """Whether there was sound before, its last sample, filtered samples, sound begun, what the LSTM know."""
    return 2 + 2 * DELAY_SAMPLES + 4 * hidden


def folded(arrays: Arrays) -> Arrays:
    """The network's weights for spectra in the order of the two-stage FFT, which holds some bins twice."""
    bins = folded_bins()
    once = np.zeros((_FOLDED, 1), dtype=np.float32)
    once[np.unique(bins, return_index=True)[1]] = 1.0
    hidden = arrays["mask"].shape[0]
    return {
        **{name: values for name, values in arrays.items() if name != "spread"},
        "mean": arrays["mean"][bins],
        # The converter would draw a division in here by itself.
        "dense": (arrays["dense"] / arrays["spread"][:, None])[bins] * once,
        "mask": arrays["mask"].reshape(hidden, PER_HOP, -1)[:, :, bins].reshape(hidden, -1),
        "mask_bias": arrays["mask_bias"].reshape(PER_HOP, -1)[:, bins].reshape(-1),
    }


def build_graph(arrays: Arrays) -> Any:
    """The graph of ``folded`` weights: ``pcm`` (1, HOP_SAMPLES) int16 and ``state`` (1, S) float32."""
    import tensorflow as tf

    transform, hidden = _Transform(tf), arrays["recurrent1"].shape[0]
    sizes = [1, 1, DELAY_SAMPLES, DELAY_SAMPLES, hidden, hidden, hidden, hidden]

    def denoise(pcm: Any, state: Any) -> dict[str, Any]:
        sound = tf.cast(pcm, tf.float32)
        heard, last, history, begun, *memory = tf.split(state, sizes, axis=1)
        # Before the first sample it was always like that: an offset makes no step.
        before = sound[:, :1] + heard * (last - sound[:, :1])
        filtered = _high_pass(tf, sound, before, history[:, -1:], pole())
        stretch = tf.concat([history, filtered], axis=1)
        re, im = transform.spectra(stretch)
        mask, memory = _mask(tf, arrays, re * re + im * im, memory)
        parts = transform.sounds(re * mask, im * mask)
        cleaned = tf.pad(begun, [[0, 0], [0, HOP_SAMPLES]])
        for number, part in enumerate(tf.split(parts, PER_HOP)):
            start = number * STRIDE_SAMPLES
            cleaned += tf.pad(part, [[0, 0], [start, HOP_SAMPLES - STRIDE_SAMPLES - start]])
        steps = tf.round(tf.minimum(tf.maximum(cleaned[:, :HOP_SAMPLES], -_FULL_SCALE), _FULL_SCALE - 1))
        state_out = [
            tf.ones_like(heard),
            sound[:, -1:],
            stretch[:, -DELAY_SAMPLES:],
            cleaned[:, HOP_SAMPLES:],
            *memory,
        ]
        return {"pcm_out": tf.cast(steps, tf.int16), "state_out": tf.concat(state_out, axis=1)}

    return tf.function(
        denoise,
        input_signature=[
            tf.TensorSpec([1, HOP_SAMPLES], tf.int16, "pcm"),
            tf.TensorSpec([1, state_size(hidden)], tf.float32, "state"),
        ],
        autograph=False,
    )


def _mask(tf: Any, arrays: Arrays, power: Any, memory: list[Any]) -> tuple[Any, list[Any]]:
    """(PER_HOP, _FOLDED) masks, and what the LSTM know now."""
    w = {name: _constant(tf, values) for name, values in arrays.items()}
    levels = tf.math.log(power + LEAST_POWER) - w["mean"]
    x = tf.reshape(tf.nn.relu(tf.matmul(levels, w["dense"]) + w["dense_bias"]), [1, -1])
    known = []
    for layer in (1, 2):
        weights = [w[f"{part}{layer}"] for part in ("kernel", "recurrent", "bias")]
        x, cell = _lstm(tf, x, memory[2 * layer - 2], memory[2 * layer - 1], weights)
        known += [x, cell]
    mask = tf.sigmoid(tf.matmul(x, w["mask"]) + w["mask_bias"])
    return tf.reshape(mask, [PER_HOP, _FOLDED]), known


def _lstm(tf: Any, x: Any, hidden: Any, cell: Any, weights: list[Any]) -> tuple[Any, Any]:
    kernel, recurrent, bias = weights
    gates = tf.matmul(x, kernel) + bias + tf.matmul(hidden, recurrent)
    i, f, g, o = tf.split(gates, 4, axis=1)
    cell = tf.sigmoid(f) * cell + tf.sigmoid(i) * tf.tanh(g)
    return tf.sigmoid(o) * tf.tanh(cell), cell


class _Transform:
    """512-point FFT as 32 × 16, and the way back, which is the same with real and imaginary parts swapped."""

    def __init__(self, tf: Any) -> None:
        rows, half, columns = np.arange(_ROWS), np.arange(_HALF), np.arange(_COLUMNS)
        first = np.exp(-2j * np.pi * np.outer(rows, half) / _ROWS)
        turn = np.exp(-2j * np.pi * np.outer(half, columns) / WINDOW_SAMPLES)
        second = np.exp(-2j * np.pi * np.outer(columns, columns) / _COLUMNS)
        # The half that is not computed is the conjugate of the one that is, so all but its ends count twice.
        counts = np.where((half > 0) & (half < _HALF - 1), 2.0, 1.0) / WINDOW_SAMPLES
        back = counts[:, None] * first.T
        self._tf = tf
        self._first, self._back = np.hstack([first.real, first.imag]), np.vstack([back.imag, back.real])
        self._turn_re, self._turn_im = _constant(tf, turn.real), _constant(tf, turn.imag)
        self._second = np.block([[second.real, second.imag], [-second.imag, second.real]])
        self._taper = _constant(tf, analysis_window() / _FULL_SCALE)
        self._taper_back = _constant(tf, synthesis_window() * _FULL_SCALE)

    def spectra(self, stretch: Any) -> tuple[Any, Any]:
        """Real and imaginary parts (PER_HOP, _FOLDED) of the windows in ``stretch``."""
        tf = self._tf
        starts = range(0, HOP_SAMPLES, STRIDE_SAMPLES)
        windows = tf.concat([stretch[:, start : start + WINDOW_SAMPLES] for start in starts], axis=0)
        tapered = tf.reshape(windows * self._taper, [-1, _ROWS, _COLUMNS])
        stage = _matmul(tf, tf.transpose(tapered, [0, 2, 1]), self._first)
        turned = self._turn(*tf.split(tf.transpose(stage, [0, 2, 1]), 2, axis=1))
        re, im = self._short(*turned)
        return tf.reshape(re, [-1, _FOLDED]), tf.reshape(im, [-1, _FOLDED])

    def sounds(self, re: Any, im: Any) -> Any:
        """(PER_HOP, WINDOW_SAMPLES) tapered samples of such spectra."""
        tf = self._tf
        swapped = [tf.reshape(part, [-1, _HALF, _COLUMNS]) for part in (im, re)]
        stage = tf.concat(self._turn(*self._short(*swapped)), axis=1)
        windows = _matmul(tf, tf.transpose(stage, [0, 2, 1]), self._back)
        return tf.reshape(tf.transpose(windows, [0, 2, 1]), [-1, WINDOW_SAMPLES]) * self._taper_back

    def _short(self, re: Any, im: Any) -> Any:
        """16-point FFT of the last axis."""
        return self._tf.split(_matmul(self._tf, self._tf.concat([re, im], axis=2), self._second), 2, axis=2)

    def _turn(self, re: Any, im: Any) -> list[Any]:
        c, s = self._turn_re, self._turn_im
        return [re * c - im * s, re * s + im * c]
