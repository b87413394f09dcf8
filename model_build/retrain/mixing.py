"""Sounds mixed as they mix in the air: powers add, decibels do not."""

import numpy as np
from numpy.typing import NDArray

from contract.audio import FEATURE_SCALE_DB, FEATURE_ZERO_POINT
from model_build.shape import STEP_FRAMES

_CODES = np.arange(-128, 128)
_POWER = (10.0 ** ((_CODES - FEATURE_ZERO_POINT) * FEATURE_SCALE_DB / 10)).astype(np.float32)
"""(256,) power of each int8 feature, from the lowest."""
_MOST_GAIN_DB = 20.0
"""Quiet backgrounds are not made louder than this: they would be noise of the front end."""


def power(features: NDArray[np.int8]) -> NDArray[np.float32]:
    """Power that int8 features stand for, 1 being a full-scale sine in one bin."""
    return np.asarray(_POWER[features.astype(np.int16) + 128])


def features_of(powers: NDArray[np.floating]) -> NDArray[np.int8]:
    """Int8 features of powers.

    >>> features_of(power(np.array([-128, 0, 111], np.int8))).tolist()
    [-128, 0, 111]
    """
    level_db = 10 * np.log10(np.maximum(powers, _POWER[0]))
    codes = np.round(level_db / FEATURE_SCALE_DB) + FEATURE_ZERO_POINT
    return np.asarray(np.clip(codes, -128, 127), np.int8)


def mix(
    features: NDArray[np.int8], backgrounds: NDArray[np.int8], below_db: NDArray[np.float64]
) -> NDArray[np.int8]:
    """Each of ``features`` (N, T, MEL_BINS) over a background of the same shape, (N,) quieter by so much."""
    sound, background = power(features), power(backgrounds)
    means = [10 * np.log10(part.mean(axis=(1, 2), dtype=np.float64)) for part in (sound, background)]
    gain_db = np.minimum(means[0] - means[1] - below_db, _MOST_GAIN_DB)
    factor = (10.0 ** (gain_db / 10)).astype(np.float32)
    return features_of(sound + factor[:, None, None] * background)


def step_levels_db(frames: NDArray[np.int8]) -> NDArray[np.float32]:
    """(S,) level of each whole step of ``frames`` (T, MEL_BINS), as near as features tell it."""
    whole = len(frames) // STEP_FRAMES * STEP_FRAMES
    total = power(frames[:whole]).sum(axis=1, dtype=np.float64).reshape(-1, STEP_FRAMES).mean(axis=1)
    return np.asarray(10 * np.log10(total), np.float32)
