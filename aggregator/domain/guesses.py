"""What a model thought of a window: its posteriors where it was most sure that something was there."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from contract.manifest import is_target

UNKNOWN_STEP: Final = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class Guess:
    """What the model thought at its strongest step."""

    label: str | None
    """The likeliest label, in underscores if it heard nothing of its own; None if it sent no posterior."""
    posterior: float
    margin: float
    """Posterior of the likeliest less that of the next, 0 to 1."""
    entropy: float
    """Part of the largest possible, 0 (sure) to 1 (no idea)."""
    heard: float
    """Posterior of all labels without underscores together; 1 if there is none."""
    step: int
    """The step at which the strongest label without underscores was strongest; -1 if there is none."""


def guess(labels: Sequence[str], posteriors: NDArray[np.float32]) -> Guess:
    """The guess of (steps, labels) ``posteriors`` from 0 to 1.

    >>> told = guess(["dog", "_background_"], np.array([[0.0, 1.0], [0.75, 0.25]], np.float32))
    >>> told.label, told.posterior, told.margin, told.heard, told.step
    ('dog', 0.75, 0.5, 0.75, 1)
    """
    step = strongest_step(labels, posteriors)
    if step == UNKNOWN_STEP:
        return Guess(label=None, posterior=0.0, margin=0.0, entropy=1.0, heard=1.0, step=step)
    shares = [float(share) for share in posteriors[step]]
    first, *rest = sorted(shares, reverse=True)
    return Guess(
        label=labels[shares.index(first)],
        posterior=first,
        margin=first - (rest[0] if rest else 0.0),
        entropy=entropy(shares),
        heard=min(1.0, sum(share for label, share in zip(labels, shares, strict=True) if is_target(label))),
        step=step,
    )


def strongest_step(labels: Sequence[str], posteriors: NDArray[np.float32]) -> int:
    """The step at which any label without underscores is strongest; -1 without steps or such labels."""
    targets = [index for index, label in enumerate(labels) if is_target(label)]
    if not len(posteriors) or not targets:
        return UNKNOWN_STEP
    return int(posteriors[:, targets].max(axis=1).argmax())


def entropy(shares: Sequence[float]) -> float:
    """How evenly ``shares`` are spread, as part of the largest possible.

    >>> entropy([0.5, 0.5]), entropy([1.0, 0.0])
    (1.0, 0.0)
    """
    total = sum(shares)
    if total <= 0 or len(shares) < 2:
        return 1.0 if total <= 0 else 0.0
    parts = [share / total for share in shares if share > 0]
    found = sum(part * -math.log(part) for part in parts) / math.log(len(shares))
    return min(max(found, 0.0), 1.0)
