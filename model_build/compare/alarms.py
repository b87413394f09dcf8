"""What a contender reports where there is nothing to report, once it misses few of its targets."""

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from contract.audio import FRAMES_PER_S, MEL_BINS
from contract.detector import Detector
from contract.manifest import is_target
from model_build.compare.contender import Fitted
from model_build.recipe import Recipe
from model_build.shape import STEP_FRAMES

MISSED_PART: Final = 0.1
"""Part of the targets that may be missed."""
_STRETCH_FRAMES = 10 * FRAMES_PER_S // (4 * STEP_FRAMES) * (4 * STEP_FRAMES)
_LEAST_THRESHOLD, _MOST_THRESHOLD = 1e-6, 1.0 - 1e-6


@dataclass(frozen=True, slots=True, kw_only=True)
class Alarms:
    """One threshold for all labels, and what it costs."""

    threshold: float
    missed_part: float
    """Part of the targets whose average stays below the threshold."""
    per_hour: float | None
    """Detections per hour of the stream without targets; none where no stream was given."""


def count_alarms(
    fitted: Fitted,
    recipe: Recipe,
    approaches: tuple[NDArray[np.int8], NDArray[np.int64]],
    stream: NDArray[np.int8] | None,
) -> Alarms:
    """Choose the threshold on targets that come out of quiet, and count with the node's own detector."""
    features, labels = approaches
    averages = running(fitted.follow(features), recipe.decision.smoothing_s, fitted.step_s)
    peaks = averages.max(axis=1)[np.arange(labels.size), labels]
    threshold = threshold_at(peaks, MISSED_PART)
    missed = float((peaks < threshold).mean())
    if stream is None:
        return Alarms(threshold=threshold, missed_part=missed, per_hour=None)
    posteriors = follow_long(fitted, stream, _run_up(recipe))
    hours = posteriors.shape[0] * fitted.step_s / 3600
    return Alarms(
        threshold=threshold,
        missed_part=missed,
        per_hour=_detections(posteriors, recipe, threshold, fitted.step_s) / hours,
    )


def threshold_at(peaks: NDArray[np.floating], missed_part: float) -> float:
    """The highest threshold below which at most ``missed_part`` of ``peaks`` lie.

    >>> threshold_at(np.arange(1, 11) / 10, 0.1)
    0.2
    """
    allowed = int(missed_part * peaks.size + 1e-9)
    return float(np.clip(np.sort(peaks)[allowed], _LEAST_THRESHOLD, _MOST_THRESHOLD))


def running(posteriors: NDArray[np.float32], smoothing_s: float, step_s: float) -> NDArray[np.float64]:
    """(N, decisions, K) averages of posteriors as ``contract.detector`` keeps them."""
    weight = 1.0 if smoothing_s <= 0 else 1.0 - math.exp(-step_s / smoothing_s)
    average = np.zeros((posteriors.shape[0], posteriors.shape[2]))
    rows = []
    for step in range(posteriors.shape[1]):
        average = average + weight * (posteriors[:, step] - average)
        rows.append(average)
    return np.stack(rows, axis=1)


def follow_long(fitted: Fitted, stream: NDArray[np.int8], run_up: int) -> NDArray[np.float32]:
    """(decisions, K) along a long stream (T, MEL_BINS).

    Heard in stretches of ten seconds, each after ``run_up`` frames whose decisions are not kept: training
    frameworks have no stream without an end.
    """
    count = -(-stream.shape[0] // _STRETCH_FRAMES)
    silence = np.full((run_up, MEL_BINS), -128, np.int8)
    rest = np.full((count * _STRETCH_FRAMES - stream.shape[0], MEL_BINS), -128, np.int8)
    padded = np.concatenate([silence, stream, rest])
    length = run_up + _STRETCH_FRAMES
    stretches = [padded[at : at + length] for at in range(0, count * _STRETCH_FRAMES, _STRETCH_FRAMES)]
    posteriors = fitted.follow(np.stack(stretches))
    kept = posteriors[:, round(run_up / FRAMES_PER_S / fitted.step_s) :].reshape(-1, posteriors.shape[2])
    return np.asarray(kept[: round(stream.shape[0] / FRAMES_PER_S / fitted.step_s)])


def _detections(posteriors: NDArray[np.float32], recipe: Recipe, threshold: float, step_s: float) -> int:
    detector = Detector(
        recipe.labels,
        {label: threshold for label in recipe.labels if is_target(label)},
        smoothing_s=recipe.decision.smoothing_s,
        refractory_s=recipe.decision.refractory_s,
        step_s=step_s,
    )
    found = sum(len(detector.feed(row)) for row in posteriors.tolist())
    return found + len(detector.finish())


def _run_up(recipe: Recipe) -> int:
    """Frames that fill every contender's memory: twice the clip, in whole decisions."""
    whole = 4 * STEP_FRAMES
    return max(4 * FRAMES_PER_S, round(2 * recipe.clip_s * FRAMES_PER_S)) // whole * whole + whole
