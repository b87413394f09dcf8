"""The node's detector at many thresholds at once.

``contract.detector`` decides one stream at one threshold per label; a curve needs hundreds. Here the same
average, threshold and refractory time run over arrays. What is counted is where a detection *starts*; a test
holds it against ``contract.detector`` on random streams.
"""

import math
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from contract.audio import HOP_SAMPLES, RATE_HZ
from model_build.shape import STEP_FRAMES

STEP_S = STEP_FRAMES * HOP_SAMPLES / RATE_HZ
"""Seconds from one posterior to the next."""

Levels = NDArray[np.float64]
"""(K, G) thresholds: G candidates for each of K labels; 1 or more switches the label off."""


def averages(posteriors: NDArray[np.floating], smoothing_s: float) -> NDArray[np.float64]:
    """(N, steps, K) running averages of N streams of posteriors, each heard from its start.

    >>> averages(np.ones((1, 3, 1)), 0.0).ravel().tolist()
    [1.0, 1.0, 1.0]
    """
    weight = 1.0 if smoothing_s <= 0 else 1.0 - math.exp(-STEP_S / smoothing_s)
    average = np.zeros((posteriors.shape[0], posteriors.shape[2]))
    rows = np.empty(posteriors.shape)
    for step in range(posteriors.shape[1]):
        average = (1.0 - weight) * average + weight * posteriors[:, step].astype(np.float64)
        rows[:, step] = average
    return rows


def starts(average: NDArray[np.float64], levels: Levels, refractory_s: float) -> Iterator[NDArray[np.bool_]]:
    """For each step of ``average`` (N, steps, K): (N, K, G), where a detection starts."""
    refractory = round(refractory_s / STEP_S)
    reachable = np.where(levels >= 1.0, np.inf, levels)
    shape = (average.shape[0], *levels.shape)
    heard = np.zeros(shape, dtype=bool)
    silent_until = np.zeros(shape, dtype=np.int64)
    for step in range(average.shape[1]):
        above = average[:, step, :, None] >= reachable
        rising = above & ~heard & (step >= silent_until)
        silent_until[heard & ~above] = step + refractory
        heard = (heard & above) | rising
        yield rising


def count_starts(average: NDArray[np.float64], levels: Levels, refractory_s: float) -> NDArray[np.int64]:
    """(N, K, G) detections of each stream, label and candidate."""
    total = np.zeros((average.shape[0], *levels.shape), dtype=np.int64)
    for rising in starts(average, levels, refractory_s):
        total += rising
    return total


def stacked(streams: Sequence[NDArray[np.floating]], smoothing_s: float) -> NDArray[np.float64]:
    """(N, longest, K) averages of streams (steps, K) of any lengths; -1 after the end of the shorter ones."""
    longest = max(stream.shape[0] for stream in streams)
    filled = np.full((len(streams), longest, streams[0].shape[1]), -1.0)
    by_length: dict[int, list[int]] = {}
    for index, stream in enumerate(streams):
        by_length.setdefault(stream.shape[0], []).append(index)
    for length, members in by_length.items():
        filled[members, :length] = averages(np.stack([streams[index] for index in members]), smoothing_s)
    return filled
