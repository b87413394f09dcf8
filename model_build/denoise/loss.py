"""How far masked spectra are from clean ones; all of it from magnitudes and the angle between the two."""

from typing import Any

import numpy as np
import tensorflow as tf

from model_build.denoise.recipe import LossRecipe

_TINY = 1e-4
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
    return recipe.magnitude * magnitude + recipe.phase * phase - recipe.distortion * decibels
