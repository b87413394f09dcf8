"""Labels and posteriors of whole clips: who is taken for whom, and how well scores separate labels."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from model_build.evaluate import Heard
from model_build.report.intervals import wilson
from model_build.report.rules import Rules

CURVE_POINTS = 120


@dataclass(frozen=True, slots=True, kw_only=True)
class ClipScores:
    """The clips' posteriors of every label."""

    truth: NDArray[np.int64]
    """(N,) index of what each clip is"""
    posteriors: NDArray[np.float64]
    """(N, K)"""

    @property
    def said(self) -> NDArray[np.int64]:
        """(N,) index of what each clip was taken for"""
        return np.asarray(self.posteriors.argmax(axis=1))


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """A part of some clips, with its 95 % interval (Wilson)."""

    right: int
    clips: int
    part: float
    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Separation:
    """How well the posterior of one label tells its clips from all others."""

    area: float
    """Area under the ROC curve: chance that a clip of the label scores higher than another one."""
    equal_error: float
    """Error where as many clips of the label are missed as others are taken for it."""
    false_positive: tuple[float, ...]
    """Part of the other clips at or above a falling threshold"""
    miss: tuple[float, ...]
    """Part of the label's clips below the same thresholds"""


def score_clips(heard: Sequence[Heard], rules: Rules) -> ClipScores:
    """Decide each clip by the bundle's rule."""
    return ClipScores(
        truth=np.array([rules.labels.index(clip.label) for clip in heard], dtype=np.int64),
        posteriors=np.array([rules.clip_posteriors(clip) for clip in heard]),
    )


def share(right: int, clips: int) -> Share:
    """``right`` of ``clips`` as a part with bounds; nothing of nothing is 0."""
    low, high = wilson(right, clips)
    return Share(right=right, clips=clips, part=right / clips if clips else 0.0, low=low, high=high)


def right_share(scores: ClipScores) -> Share:
    """Part of the clips that were given their own label."""
    return share(int((scores.said == scores.truth).sum()), scores.truth.size)


def confusion(scores: ClipScores, labels: int) -> NDArray[np.int64]:
    """(K, K) clips by what they are (rows) and by what they were taken for (columns)."""
    counts = np.zeros((labels, labels), np.int64)
    np.add.at(counts, (scores.truth, scores.said), 1)
    return counts


def separations(scores: ClipScores, labels: Sequence[str]) -> Mapping[str, Separation]:
    """Each label against all others; labels that all or none of the clips have are left out."""
    return {
        label: separation(scores.posteriors[:, index], scores.truth == index)
        for index, label in enumerate(labels)
        if 0 < (scores.truth == index).sum() < scores.truth.size
    }


def separation(scores: NDArray[np.float64], own: NDArray[np.bool_]) -> Separation:
    """ROC and DET of ``scores`` (N,), where ``own`` (N,) says which clips are the label's."""
    positives, negatives = int(own.sum()), int((~own).sum())
    # The rank sum of Mann and Whitney is the area; ties count half.
    area = (rankdata(scores)[own].sum() - positives * (positives + 1) / 2) / (positives * negatives)
    order = np.argsort(-scores, kind="stable")
    last_of_ties = np.append(np.diff(scores[order]) != 0, True)
    taken = np.append(0, np.cumsum(own[order])[last_of_ties])
    wrong = np.append(0, np.cumsum(~own[order])[last_of_ties])
    miss, false_positive = 1.0 - taken / positives, wrong / negatives
    nearest = int(np.argmin(np.maximum(miss, false_positive)))
    corners = np.flatnonzero(~(_level(miss) | _level(false_positive)))
    keep = corners[np.linspace(0, corners.size - 1, min(CURVE_POINTS, corners.size)).round().astype(int)]
    return Separation(
        area=float(area),
        equal_error=float(max(miss[nearest], false_positive[nearest])),
        false_positive=tuple(false_positive[keep].tolist()),
        miss=tuple(miss[keep].tolist()),
    )


def _level(values: NDArray[np.float64]) -> NDArray[np.bool_]:
    """(N,) where a value is that before it and that after it."""
    same = np.diff(values) == 0
    return np.concatenate([[False], same[:-1] & same[1:], [False]])
