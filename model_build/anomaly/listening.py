"""What a bundle's models say of recordings: heard as streams, step by step, exactly as a node hears them."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from model_build.anomaly.recipe import STEP_S
from model_build.anomaly.scoring import CENTRE, SOFTNESS
from model_build.dataset import Pcm
from model_build.examples import whole_steps
from model_build.runtime import Classifier, Frontend
from model_build.shape import STEP_FRAMES

_LEAST = 1e-30


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """One recording and what the model said of it."""

    kind: str
    """``normal``, or which anomaly it is"""
    posteriors: NDArray[np.float32]
    """(steps, 2) 1 − score and score"""

    @property
    def seconds(self) -> float:
        """Its length."""
        return len(self.posteriors) * STEP_S

    @property
    def spreads(self) -> NDArray[np.float64]:
        """(steps,) how many spreads of normal sound each step lies above normal."""
        return spreads_of(self.posteriors)


def hear(frontend: Frontend, classifier: Classifier, kind: str, pcm: Pcm) -> Heard:
    """``pcm`` as a stream of its own."""
    features = frontend.features(whole_steps(pcm))
    return Heard(kind=kind, posteriors=classifier.clip(features, STEP_FRAMES))


def spreads_of(posteriors: NDArray[np.float32]) -> NDArray[np.float64]:
    """(steps,) spreads above normal that the scores (steps, 2) were squashed from."""
    logs = np.log(np.maximum(posteriors.astype(np.float64), _LEAST))
    return np.asarray((logs[:, 1] - logs[:, 0]) * SOFTNESS + CENTRE)


def score_of(spreads: float) -> float:
    """The score that so many spreads above normal are squashed into.

    >>> score_of(CENTRE)
    0.5
    """
    return float(1.0 / (1.0 + np.exp((CENTRE - spreads) / SOFTNESS)))
