"""Streams cut into windows, for contenders that judge a stretch of sound as a whole."""

import dataclasses
from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from model_build.examples import ExampleSet
from model_build.shape import STEP_FRAMES

STEPS_PER_DECISION = 2
"""Windows along streams are judged every 160 ms, which is what can be afforded for all contenders."""
_AT_ONCE = 512

Judge = Callable[[NDArray[np.int8]], NDArray[np.float32]]
"""(N, K) posteriors of windows (N, T, MEL_BINS)."""


def endings(examples: ExampleSet, frames: int) -> ExampleSet:
    """Only the last ``frames`` of each example: where two clips follow each other, the second."""
    steps = frames // STEP_FRAMES
    per_step = {
        field.name: getattr(examples, field.name)[:, -steps:]
        for field in dataclasses.fields(examples)
        if field.name not in ("features", "sources")
    }
    return dataclasses.replace(examples, features=examples.features[:, -frames:], **per_step)


def judge_along(judge: Judge, features: NDArray[np.int8], frames: int, stride: int) -> NDArray[np.float32]:
    """(N, decisions, K) posteriors along (N, T, MEL_BINS), of the window before each of ``decision_ends``.

    Zeros until a whole window has been heard; T is at least one window.
    """
    count, length, _ = features.shape
    ends = decision_ends(length, stride)
    whole = ends[ends >= frames]
    places = [(row, end) for row in range(count) for end in whole]
    judged = np.concatenate([judge(block) for block in _blocks(features, places, frames)])
    spoken = np.zeros((count, ends.size, judged.shape[1]), np.float32)
    spoken[:, ends.size - whole.size :] = judged.reshape(count, whole.size, -1)
    return spoken


def decision_ends(length: int, stride: int) -> NDArray[np.int64]:
    """Frames after which something is said, every ``stride`` and at the end.

    >>> decision_ends(52, 24).tolist()
    [4, 28, 52]
    """
    return np.arange(length % stride or stride, length + 1, stride)


def _blocks(
    features: NDArray[np.int8], places: list[tuple[int, int]], frames: int
) -> Iterator[NDArray[np.int8]]:
    for start in range(0, len(places), _AT_ONCE):
        yield np.stack([features[row, end - frames : end] for row, end in places[start : start + _AT_ONCE]])
