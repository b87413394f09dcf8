"""How far masked spectra are from clean ones; all of it from magnitudes and the angle between the two.

The shape of bands over time is compared as in Taal, Hendriks, Heusdens and Jensen, "An algorithm for
intelligibility prediction of time-frequency weighted noisy speech" (IEEE Trans. ASLP 19, 2011; STOI).
"""

from typing import Any

import numpy as np
import tensorflow as tf

from contract.audio import RATE_HZ, WINDOW_SAMPLES
from contract.denoise.spectra import BINS
from model_build.denoise.recipe import LossRecipe

_TINY = 1e-4
_BANDS, _LOWEST_HZ = 15, 150.0
"""Third octaves, and the middle of the first."""
_STRETCH, _STRIDE = 38, 3
"""Spectra under which a shape is compared (380 ms), and from one comparison to the next."""
_AUDIBLE = 0.02
"""Part of the mean power below which a stretch holds no speech."""
_LEAST_DISTORTION = 1e-3
"""Part of the signal's power; distortion below it earns nothing more."""


def loss(recipe: LossRecipe, mask: Any, heard: Any, clean: Any, cosine: Any) -> Any:
    """A number to make small.

    ``heard`` and ``clean`` are magnitudes (N, T, bins), ``cosine`` that of the angle between their spectra.
    """
    made = mask * heard
    loudness = tf.sqrt(tf.reduce_mean(clean * clean, axis=[1, 2], keepdims=True)) + _TINY
    ours, theirs = (made / loudness + _TINY) ** recipe.power, (clean / loudness + _TINY) ** recipe.power
    magnitude = tf.reduce_mean((ours - theirs) ** 2)
    phase = tf.reduce_mean(ours * ours + theirs * theirs - 2 * ours * theirs * cosine)
    signal = tf.reduce_sum(clean * clean, axis=[1, 2])
    off = tf.reduce_sum(clean * clean + made * made - 2 * made * clean * cosine, axis=[1, 2])
    ratio = signal / (off + _LEAST_DISTORTION * signal + 1e-12)
    decibels = tf.reduce_mean(10 / np.log(10) * tf.math.log(ratio + 1e-8))
    nearness = recipe.magnitude * magnitude + recipe.phase * phase - recipe.distortion * decibels
    if not recipe.shape or mask.shape[1] < _STRETCH:
        return nearness
    return nearness + recipe.shape * (1 - _likeness(made / loudness, clean / loudness))


def _likeness(made: Any, clean: Any) -> Any:
    """Mean correlation of the bands' loudness over each stretch that holds speech."""
    ours, theirs = _in_bands(made), _in_bands(clean)
    a, b, aa, bb, ab = (_over_stretches(x) for x in (ours, theirs, ours**2, theirs**2, ours * theirs))
    alike = (ab - a * b) / tf.sqrt((aa - a * a + 1e-5) * (bb - b * b + 1e-5))
    power = tf.reduce_sum(bb, axis=2, keepdims=True)
    audible = tf.cast(power > _AUDIBLE * tf.reduce_mean(power, axis=1, keepdims=True), tf.float32)
    return tf.reduce_sum(alike * audible) / (tf.reduce_sum(audible) * _BANDS + 1e-6)


def _in_bands(magnitudes: Any) -> Any:
    """(N, T, _BANDS)"""
    middles_hz = _LOWEST_HZ * 2 ** (np.arange(_BANDS) / 3)
    bins_hz = np.arange(BINS)[:, None] * (RATE_HZ / WINDOW_SAMPLES)
    inside = (bins_hz >= middles_hz * 2 ** (-1 / 6)) & (bins_hz < middles_hz * 2 ** (1 / 6))
    return tf.sqrt(magnitudes**2 @ tf.constant(inside.astype(np.float32)) + 1e-6)


def _over_stretches(values: Any) -> Any:
    return tf.nn.avg_pool1d(values, _STRETCH, _STRIDE, "VALID")
