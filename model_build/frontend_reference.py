"""The front end once more in float64 NumPy, written from its definition: what the graph is held against."""

import numpy as np
from numpy.typing import NDArray

from contract.audio import FEATURE_SCALE_DB, FEATURE_ZERO_POINT, HOP_SAMPLES, MEL_BINS, RATE_HZ
from model_build.frontend import FULL_SCALE, HISTORY_SAMPLES, LEAST_DB, hann, pole
from model_build.mel import mel_weights
from model_build.recipe import FrontendRecipe


def high_pass(pcm: NDArray[np.int16], high_pass_hz: float) -> NDArray[np.float64]:
    """``pcm`` without its offset, sample by sample, starting from rest."""
    r = pole(high_pass_hz)
    filtered = np.empty(pcm.size)
    last = previous = 0.0
    for index, sample in enumerate(pcm.astype(np.float64)):
        last = r * last + (1 + r) / 2 * (sample - previous)
        filtered[index], previous = last, sample
    return filtered


def levels_db(pcm: NDArray[np.int16], high_pass_hz: float) -> NDArray[np.float64]:
    """(T, MEL_BINS) decibels of each whole hop before any suppression."""
    frames = pcm.size // HOP_SAMPLES
    sound = np.concatenate([np.zeros(HISTORY_SAMPLES), high_pass(pcm, high_pass_hz)])
    starts = np.arange(frames)[:, None] * HOP_SAMPLES
    windows = sound[starts + np.arange(hann().size)] * (hann() / FULL_SCALE)
    power = np.abs(np.fft.rfft(windows, axis=1)) ** 2
    return np.asarray(10 * np.log10(np.maximum(power @ mel_weights().T, 10 ** (LEAST_DB / 10))))


def features_db(pcm: NDArray[np.int16], recipe: FrontendRecipe) -> NDArray[np.float64]:
    """(T, MEL_BINS) decibels as they are stored, but neither rounded nor clipped."""
    levels = levels_db(pcm, recipe.high_pass_hz)
    floor = np.full(MEL_BINS, LEAST_DB)
    lowered = np.empty_like(levels)
    for index, level in enumerate(levels):
        difference = level - floor
        rise = np.minimum(difference, recipe.floor_rise_db_per_s * HOP_SAMPLES / RATE_HZ)
        floor = floor + np.where(difference > 0, rise, recipe.floor_fall * difference)
        part = np.clip((recipe.margin_db + recipe.fade_db - (level - floor)) / recipe.fade_db, 0, 1)
        lowered[index] = level - part * recipe.suppression_db
    return lowered


def to_db(features: NDArray[np.int8]) -> NDArray[np.float64]:
    """Decibels that int8 features stand for."""
    return (features.astype(np.float64) - FEATURE_ZERO_POINT) * FEATURE_SCALE_DB
