"""How sure a model should sound: one number that its logits are divided by.

Label smoothing, mixtures and teachers leave a network less sure than it is right. Dividing all logits by one
temperature changes no label, and makes the posterior say how often it is right (Guo et al. 2017, "On
calibration of modern neural networks").
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from contract.clip import clip_posteriors
from model_build.evaluate import Heard
from model_build.recipe import DecisionRecipe

CANDIDATES = np.round(np.geomspace(0.25, 4.0, 61), 4)
_LEAST = 1e-6


@dataclass(frozen=True, slots=True, kw_only=True)
class Fit:
    """A temperature and what comes of it."""

    temperature: float
    loss: float
    """Mean over the clips of -log of the right label's posterior"""


def fit_temperature(clips: Sequence[Heard], labels: Sequence[str], decision: DecisionRecipe) -> Fit:
    """The candidate with the least loss on ``clips``, ones that the model did not learn from.

    A temperature of 1 if there are none.
    """
    if not clips:
        return Fit(temperature=1.0, loss=0.0)
    losses = [_loss(clips, labels, decision, float(candidate)) for candidate in CANDIDATES]
    best = int(np.argmin(losses))
    return Fit(temperature=float(CANDIDATES[best]), loss=losses[best])


def cooled(posteriors: NDArray[np.float32], temperature: float) -> NDArray[np.float64]:
    """(steps, K) posteriors as they would be with logits divided by ``temperature``.

    >>> cooled(np.array([[0.8, 0.2]]), 0.5).round(3).tolist()
    [[0.941, 0.059]]
    """
    logits = np.log(np.maximum(posteriors.astype(np.float64), _LEAST)) / temperature
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))


def _loss(
    clips: Sequence[Heard], labels: Sequence[str], decision: DecisionRecipe, temperature: float
) -> float:
    total = 0.0
    for clip in clips:
        row = clip_posteriors(
            cooled(clip.posteriors, temperature).tolist(),
            clip.levels_db,
            rule=decision.clip_rule,
            gate_db=decision.clip_gate_db,
        )
        total -= float(np.log(max(row[labels.index(clip.label)], _LEAST)))
    return total / len(clips)
