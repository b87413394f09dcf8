"""Whether a posterior of 0.9 is right nine times in ten.

Reliability diagram and expected calibration error as in Guo et al. 2017, "On Calibration of Modern Neural
Networks": clips in 15 bins of equal width by the posterior of what they were taken for. The Brier score is
the mean squared distance of all posteriors from the truth (Brier 1950), from 0 to 2.
"""

from dataclasses import dataclass

import numpy as np

from model_build.report.clip_scores import ClipScores

BINS = 15


@dataclass(frozen=True, slots=True, kw_only=True)
class Bin:
    """Clips whose posterior lies between two bounds."""

    above: float
    to: float
    clips: int
    posterior: float
    """Mean; 0 without clips."""
    right: float
    """Part of the clips that were right; 0 without clips."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """How far posteriors can be taken for probabilities."""

    expected_error: float
    """ECE: mean over the clips of the distance between posterior and part that is right, bin by bin."""
    brier: float
    bins: tuple[Bin, ...]


def calibrate(scores: ClipScores) -> Calibration:
    """The calibration of clip decisions."""
    posterior = scores.posteriors.max(axis=1)
    right = scores.said == scores.truth
    place = np.clip(np.ceil(posterior * BINS).astype(int) - 1, 0, BINS - 1)
    bins = []
    for index in range(BINS):
        inside = place == index
        clips = int(inside.sum())
        bins.append(
            Bin(
                above=index / BINS,
                to=(index + 1) / BINS,
                clips=clips,
                posterior=float(posterior[inside].mean()) if clips else 0.0,
                right=float(right[inside].mean()) if clips else 0.0,
            )
        )
    truth = np.eye(scores.posteriors.shape[1])[scores.truth]
    return Calibration(
        expected_error=sum(one.clips * abs(one.posterior - one.right) for one in bins) / posterior.size,
        brier=float(((scores.posteriors - truth) ** 2).sum(axis=1).mean()),
        bins=tuple(bins),
    )
