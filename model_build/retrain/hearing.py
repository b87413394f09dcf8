"""Feature tensors heard by an exported classifier, or by a network before its export."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from contract.audio import FRAMES_PER_S
from model_build.answers import posteriors_of
from model_build.evaluate import Heard, Listener
from model_build.network import Network
from model_build.recipe import Recipe
from model_build.retrain.base import Base
from model_build.retrain.excerpts import cut, is_lasting
from model_build.retrain.mixing import step_levels_db
from model_build.retrain.snapshot import Snapshot
from model_build.shape import STEP_FRAMES

REPORT_S = 1.0
"""So long after a word a detector has reported it, or never will."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Clip:
    """A labelled stretch of frames."""

    label: str
    features: NDArray[np.int8]
    """(T, MEL_BINS)"""
    levels_db: tuple[float, ...]
    """Of each step"""


def base_clips(base: Base) -> list[Clip]:
    """The validation clips of the base."""
    held = base.validation
    return [
        Clip(label=base.labels[truth], features=features, levels_db=tuple(levels))
        for truth, features, levels in zip(
            held.truth.tolist(), held.features, held.levels_db.tolist(), strict=True
        )
    ]


def window_clips(
    recipe: Recipe, snapshot: Snapshot, windows: Sequence[int], starts: NDArray[np.int64], length: int
) -> list[Clip]:
    """The part of each labelled window in which its label sounds."""
    made = []
    for index in windows:
        label = snapshot.name(index)
        if label in recipe.targets:
            start = int(starts[index])
            made.append(
                clip_of(label, cut(snapshot.window(index), start, length, lasting=is_lasting(recipe)))
            )
    return made


def clip_of(label: str, features: NDArray[np.int8]) -> Clip:
    """A clip whose levels are those that its features tell."""
    return Clip(label=label, features=features, levels_db=tuple(step_levels_db(features).tolist()))


def hear_clips(listener: Listener, clips: Sequence[Clip]) -> list[Heard]:
    """Each clip as a stream of its own."""
    return [
        Heard(
            label=clip.label,
            posteriors=listener.clip(clip.features, STEP_FRAMES),
            levels_db=clip.levels_db,
        )
        for clip in clips
    ]


class Ear:
    """A network in float that hears many clips of one length at once."""

    def __init__(self, network: Network) -> None:
        self._answers = posteriors_of(network)

    def hear(self, clips: Sequence[Clip]) -> list[Heard]:
        """Each of ``clips``, all of one length."""
        if not clips:
            return []
        rows = self._answers.to(np.stack([clip.features for clip in clips]))
        return [
            Heard(label=clip.label, posteriors=posteriors, levels_db=clip.levels_db)
            for clip, posteriors in zip(clips, rows, strict=True)
        ]


def none_clips(snapshot: Snapshot, windows: Sequence[int], label: str) -> Iterator[Clip]:
    """Whole windows in which none of the labels sounds, called ``label``."""
    for index in windows:
        name = snapshot.name(index)
        if name is None or name.startswith("_"):
            yield clip_of(label, whole_step_frames(snapshot.window(index)))


def with_time_to_report(frames: NDArray[np.int8]) -> NDArray[np.int8]:
    """A window and quiet after it: a detector reports a word after it, and a window may end with one."""
    after = round(REPORT_S * FRAMES_PER_S)
    return cut(frames, 0, len(frames) + after, lasting=False)


def whole_step_frames(frames: NDArray[np.int8]) -> NDArray[np.int8]:
    """``frames`` without those at the end that fill no step; one step at least.

    >>> whole_step_frames(np.zeros((9, 80), np.int8)).shape
    (8, 80)
    """
    if len(frames) < STEP_FRAMES:
        return frames[np.minimum(np.arange(STEP_FRAMES), len(frames) - 1)]
    return frames[: len(frames) // STEP_FRAMES * STEP_FRAMES]
