"""How much of what an epoch shows: base examples and windows in amounts that let neither drown the other.

An average old target gives the measure. A new label is shown twice as often, and a label that the base knows
half as often from windows as from the base. Few windows are repeated, each time varied anew; of many, each
epoch draws others.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from contract.manifest import is_target
from model_build.retrain.base import Base
from model_build.retrain.excerpts import clip_frames
from model_build.retrain.snapshot import NONE, TRAINING, Snapshot

BASE_FRAMES = 160_000
"""Base examples in an epoch have at most so many frames: an epoch costs the same, however much is kept."""
REPEATS_NEW, REPEATS_KNOWN = 32, 8
"""How often one window is shown in an epoch, at most."""
NEW_PART, KNOWN_PART, NONE_PART = 2.0, 0.5, 2.0
"""Windows of a new label, of a known one, and of none, in units of an average old target's base examples."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """Windows of one label, and how many examples an epoch has of them."""

    label: str | None
    """None: none of the labels"""
    windows: NDArray[np.int64]
    amount: int

    @property
    def anywhere(self) -> bool:
        """Whether any part of the window will do: no target sounds in it."""
        return self.label is None or not is_target(self.label)


@dataclass(frozen=True, slots=True, kw_only=True)
class Amounts:
    """What an epoch has."""

    copies: Sequence[NDArray[np.int64]]
    """Base examples of each copy, of which epochs take turns"""
    base_rows: int
    """Base examples"""
    shares: Sequence[Share]

    @property
    def examples(self) -> int:
        """Base examples and windows together."""
        return self.base_rows + sum(share.amount for share in self.shares)


def amounts_of(base: Base, snapshot: Snapshot) -> Amounts:
    """What an epoch of learning ``base`` and the training windows of ``snapshot`` has."""
    copy = base.training.copy
    copies = [np.flatnonzero(copy == number) for number in np.unique(copy).tolist()]
    base_rows = min([BASE_FRAMES // clip_frames(base.recipe), *(len(rows) for rows in copies)])
    targets = len(base.recipe.targets)
    share_of_targets = float(np.mean(base.training.target < targets))
    unit = max(1.0, base_rows * share_of_targets / targets)
    training = snapshot.of(TRAINING)
    shares = []
    for place, label in [*enumerate(snapshot.head.labels), (NONE, None)]:
        windows = training[snapshot.label[training] == place]
        if len(windows):
            shares.append(
                Share(label=label, windows=windows, amount=_amount(base, label, len(windows), unit))
            )
    return Amounts(copies=copies, base_rows=base_rows, shares=shares)


def _amount(base: Base, label: str | None, windows: int, unit: float) -> int:
    new = label is not None and label not in base.labels
    nothing = label is None or not is_target(label)
    most = unit * (NONE_PART if nothing else NEW_PART if new else KNOWN_PART)
    repeats = REPEATS_NEW if new else REPEATS_KNOWN
    return max(1, round(min(most, repeats * windows)))
