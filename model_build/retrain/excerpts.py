"""Where in a window its label sounds, and clips cut there. A window is longer than a clip, or shorter."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from contract.audio import FRAMES_PER_S
from model_build.frontend_reference import to_db
from model_build.recipe import Recipe
from model_build.retrain.snapshot import UNKNOWN_STEP, Snapshot
from model_build.shape import STEP_FRAMES
from model_build.warp import warped

OTHER_VOICES, OTHER_SPEEDS = 1.2, 1.5
"""Times what the recipe varies voices and speeds by: few people say a new word in windows."""
PLACE_S = 0.15
"""A word is cut into the middle of its clip; recorded clips have it this much earlier or later, too."""
_REPORT_S = 0.15
"""A posterior is highest about so long before the end of the clip around a word."""
_DISTANCE_DB_PER_S = 3.0
"""So much louder must a place be to be chosen instead of one a second nearer to the node's own peak."""
_QUIET_PERCENTILE = 20


def clip_frames(recipe: Recipe) -> int:
    """Frames of a clip, in whole steps, as training examples have them.

    >>> from model_build.recipe import load_recipe
    >>> clip_frames(load_recipe("keywords")), clip_frames(load_recipe("sounds"))
    (52, 252)
    """
    frames = round(recipe.clip_s * FRAMES_PER_S)
    return frames + -frames % STEP_FRAMES


def is_lasting(recipe: Recipe) -> bool:
    """Whether the model's sounds last, rather than end like a word."""
    return recipe.decision.clip_rule != "end"


def find_starts(
    recipe: Recipe, snapshot: Snapshot, windows: Sequence[int] | None = None
) -> NDArray[np.int64]:
    """(N,) frame of each window (of ``windows``) at which the clip with its label begins; see ``cut``."""
    length = clip_frames(recipe)
    beyond = 0 if is_lasting(recipe) else length // 2
    starts = [
        best_start(
            snapshot.window(index),
            length,
            _wanted(recipe, int(snapshot.peak_step[index]), length),
            beyond=beyond,
        )
        for index in (range(len(snapshot.peak_step)) if windows is None else windows)
    ]
    return np.array(starts, np.int64)


def best_start(frames: NDArray[np.int8], length: int, wanted: float | None, *, beyond: int = 0) -> int:
    """Where a clip of ``length`` begins that has the loudest sound in its middle.

    ``wanted`` is where the node's own peak would have it begin; what is far from it must be louder. The clip
    lies within the window, or the window within the clip, but for at most ``beyond`` frames at either end: a
    word at the edge of a window shall be in the middle, too.
    """
    first, last = min(0, len(frames) - length) - beyond, max(0, len(frames) - length) + beyond
    levels_db = to_db(frames).mean(axis=1)
    above = np.maximum(levels_db - np.percentile(levels_db, _QUIET_PERCENTILE), 0.0)
    padded = np.pad(above, (-first, length + beyond))
    shape = np.hanning(length + 2)[1:-1]
    loudness = np.correlate(padded, shape / shape.sum(), "valid")[: last - first + 1]
    if wanted is not None:
        distance_s = np.abs(np.arange(first, last + 1) - wanted) / FRAMES_PER_S
        loudness = loudness - _DISTANCE_DB_PER_S * distance_s
    return first + int(loudness.argmax())


def cut(frames: NDArray[np.int8], start: int, length: int, *, lasting: bool) -> NDArray[np.int8]:
    """(length, MEL_BINS) from ``start``; what lies outside is the sound again if it lasts, else quiet.

    >>> window = np.arange(5, dtype=np.int8)[:, None]
    >>> cut(window, 3, 4, lasting=True).ravel().tolist()
    [3, 4, 0, 1]
    """
    places = np.arange(start, start + length)
    if lasting:
        return frames[places % len(frames)]
    inside = (places >= 0) & (places < len(frames))
    if inside.all():
        return frames[start : start + length]
    # In float: between two int8 values numpy interpolates in int8, which overflows.
    quiet = np.percentile(frames.astype(np.float32), _QUIET_PERCENTILE, axis=0).astype(np.int8)
    clip = np.tile(quiet, (length, 1))
    clip[inside] = frames[places[inside]]
    return clip


def paced(clip: NDArray[np.int8], faster: float) -> NDArray[np.int8]:
    """A clip (T, MEL_BINS) faster by a part of its speed, its middle in place.

    >>> paced(np.arange(5, dtype=np.int8)[:, None], 1.0).ravel().tolist()
    [0, 0, 2, 4, 4]
    """
    middle = (len(clip) - 1) / 2
    places = np.round((np.arange(len(clip)) - middle) * (1.0 + faster) + middle).astype(int)
    return np.asarray(clip[np.clip(places, 0, len(clip) - 1)])


def varied(
    recipe: Recipe, window: NDArray[np.int8], start: int, draw: np.random.Generator
) -> NDArray[np.int8]:
    """The clip of a window from about ``start``: earlier or later, and faster or slower."""
    augment, lasting = recipe.augment, is_lasting(recipe)
    reach = round((augment.shift_s + (0.0 if lasting else PLACE_S)) * FRAMES_PER_S)
    shifted = start + int(draw.integers(-reach, reach + 1))
    clip = cut(window, shifted, clip_frames(recipe), lasting=lasting)
    return paced(clip, draw.uniform(-augment.speed, augment.speed))


def said_by_others(recipe: Recipe, clips: NDArray[np.int8], draw: np.random.Generator) -> NDArray[np.int8]:
    """Clips (N, T, MEL_BINS) of a word as people with other throats would say it, at other speeds."""
    speed, warp = OTHER_SPEEDS * recipe.augment.speed, OTHER_VOICES * recipe.augment.warp
    changed = np.stack([paced(clip, draw.uniform(-speed, speed)) for clip in clips]).astype(np.float32)
    if warp:
        changed = warped(changed, draw.uniform(1.0 - warp, 1.0 + warp, (len(clips),)))
    return np.asarray(np.clip(np.round(changed), -128, 127), np.int8)


def _wanted(recipe: Recipe, peak_step: int, length: int) -> float | None:
    if peak_step == UNKNOWN_STEP:
        return None
    peak = (peak_step + 1) * STEP_FRAMES
    return peak - length / 2 if is_lasting(recipe) else peak + _REPORT_S * FRAMES_PER_S - length
