"""What a retraining shows: base examples and windows together, in amounts that let neither drown the other.

An average old target gives the measure. A new label is shown as often, and a label that the base knows half
as often from windows as from the base; few windows are repeated, each time varied anew, many are drawn from.
Chance is drawn per epoch, so that an epoch is a function of its number.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from contract.audio import FRAMES_PER_S
from contract.manifest import is_target
from model_build.batches import Batch, batch_count, mixed_batches
from model_build.examples import ExampleSet, asked, audible
from model_build.recipe import Recipe
from model_build.retrain.base import Base
from model_build.retrain.excerpts import clip_frames, cut, is_lasting, paced
from model_build.retrain.mixing import mix
from model_build.retrain.snapshot import NONE, TRAINING, Snapshot
from model_build.shape import STEP_FRAMES

BASE_FRAMES = 160_000
"""Base examples in an epoch have at most so many frames: an epoch costs the same, however much is kept."""
TAUGHT = 0.5
"""Part of a base example's target that the base's network gives; of a window it gives nothing."""
REPEATS_NEW, REPEATS_KNOWN = 16, 8
"""How often one window is shown in an epoch, at most."""
KNOWN_PART, NONE_PART = 0.5, 2.0
"""Windows of a known label, and of none, in units of an average old target's base examples."""
_BELOW_DB = (3.0, 30.0)
"""How much quieter than the sound a background is that is mixed in."""
_BLOCK = 512


@dataclass(frozen=True, slots=True, kw_only=True)
class _Share:
    """Windows of one label, and how many examples an epoch has of them."""

    target: int
    windows: NDArray[np.int64]
    amount: int
    anywhere: bool
    """Whether any part of the window will do: none of the labels sounds in it."""


class WindowLessons:
    """Base examples and the training windows of a snapshot, epoch after epoch.

    Of a window of none of the labels the base's network says which label in underscores it is: some are
    silence, some are other sounds, and reviewers do not tell them apart.
    """

    def __init__(self, recipe: Recipe, base: Base, snapshot: Snapshot, starts: NDArray[np.int64]) -> None:
        self._recipe, self._base, self._snapshot, self._starts = recipe, base, snapshot, starts
        self._frames = clip_frames(recipe)
        self._copies = [
            np.flatnonzero(base.training.copy == copy) for copy in np.unique(base.training.copy).tolist()
        ]
        self._base_rows = min([BASE_FRAMES // self._frames, *(len(rows) for rows in self._copies)])
        self._translate = np.array([recipe.labels.index(label) for label in base.labels])
        self._shares = self._planned()
        silence = base.labels.index(base.recipe.silence)
        self._backgrounds = np.flatnonzero(base.training.target == silence)
        self._ear = Ear(known_network(base))

    @classmethod
    def batches_an_epoch(cls, recipe: Recipe, base: Base, snapshot: Snapshot) -> int:
        """How many batches an epoch of these lessons has."""
        return cls(recipe, base, snapshot, np.zeros(len(snapshot.label), np.int64)).count(0)

    @property
    def examples(self) -> int:
        """Examples in an epoch."""
        return self._base_rows + sum(share.amount for share in self._shares)

    def count(self, epoch: int) -> int:  # noqa: ARG002
        """Batches of an epoch."""
        return batch_count(self._recipe, self.examples)

    def batches(self, epoch: int, draw: np.random.Generator) -> Iterator[Batch]:
        """The batches of an epoch."""
        features, targets = self._drawn(epoch, draw)
        taught = np.where(np.arange(len(targets)) < self._base_rows, TAUGHT, 0.0).astype(np.float32)
        self._mix(features, draw)
        part = self._recipe.augment.chained_part
        if int((epoch + 1) * part) > int(epoch * part):
            second = draw.permutation(len(targets))
            features = self._joined(features, features[second])
            pairs = np.stack([targets, targets[second]], axis=1)
            taught = np.minimum(taught, taught[second])
        else:
            pairs = targets[:, None]
        yield from mixed_batches(self._recipe, self._examples(features, pairs), taught, draw)

    def _planned(self) -> list[_Share]:
        snapshot, recipe = self._snapshot, self._recipe
        targets = len(self._base.recipe.targets)
        share_of_targets = float(np.mean(self._base.training.target < targets))
        unit = max(1.0, self._base_rows * share_of_targets / targets)
        training = snapshot.of(TRAINING)
        shares = []
        for place, label in [*enumerate(snapshot.head.labels), (NONE, self._none)]:
            windows = training[snapshot.label[training] == place]
            if not len(windows):
                continue
            new, nothing = label not in self._base.labels, not is_target(label)
            most = unit * (NONE_PART if nothing else 1.0 if new else KNOWN_PART)
            repeats = REPEATS_NEW if new else REPEATS_KNOWN
            target = recipe.labels.index(label if label in recipe.labels else self._none)
            amount = max(1, round(min(most, repeats * len(windows))))
            shares.append(_Share(target=target, windows=windows, amount=amount, anywhere=nothing))
        return shares

    @property
    def _none(self) -> str:
        """The label that a model gives where it hears none."""
        none = self._snapshot.head.none
        known = none in self._base.labels and not is_target(none)
        return none if known else self._base.recipe.unknown or self._base.recipe.silence

    def _drawn(self, epoch: int, draw: np.random.Generator) -> tuple[NDArray[np.int8], NDArray[np.int64]]:
        """(N, T, MEL_BINS) features and (N,) targets, those of the base first."""
        rows = np.sort(draw.choice(self._copies[epoch % len(self._copies)], self._base_rows, replace=False))
        features = [self._base.training.features[rows]]
        targets = [self._translate[self._base.training.target[rows]]]
        for share in self._shares:
            order = np.concatenate([
                draw.permutation(share.windows) for _ in range(-(-share.amount // len(share.windows)))
            ])  # fmt: skip
            chosen = order[: share.amount]
            features.append(np.stack([self._clip(index, share.anywhere, draw) for index in chosen]))
            targets.append(np.full(share.amount, share.target))
        return np.concatenate(features), np.concatenate(targets)

    def _clip(self, index: int, anywhere: bool, draw: np.random.Generator) -> NDArray[np.int8]:
        """A clip of a window, faster or slower, earlier or later."""
        window, length = self._snapshot.window(index), self._frames
        augment, lasting = self._recipe.augment, is_lasting(self._recipe)
        if anywhere:
            start = int(draw.integers(max(1, len(window) - length + 1)))
        else:
            reach = round(augment.shift_s * FRAMES_PER_S)
            start = int(self._starts[index]) + int(draw.integers(-reach, reach + 1))
        clip = cut(window, start, length, lasting=lasting)
        return paced(clip, draw.uniform(-augment.speed, augment.speed))

    def _mix(self, features: NDArray[np.int8], draw: np.random.Generator) -> None:
        """Put some of the examples over backgrounds: what nodes heard without any label, and silences."""
        chosen = np.flatnonzero(draw.random(len(features)) < self._recipe.augment.noise_chance / 2)
        nothing = [share.windows for share in self._shares if share.anywhere]
        windows = np.concatenate([np.empty(0, np.int64), *nothing])
        if not len(windows) and not len(self._backgrounds):
            return
        for start in range(0, len(chosen), _BLOCK):
            rows = chosen[start : start + _BLOCK]
            backgrounds = np.stack([self._background(windows, draw) for _ in rows])
            features[rows] = mix(features[rows], backgrounds, draw.uniform(*_BELOW_DB, len(rows)))

    def _background(self, windows: NDArray[np.int64], draw: np.random.Generator) -> NDArray[np.int8]:
        if not len(self._backgrounds) or (len(windows) and draw.random() < 0.5):
            return self._clip(int(windows[draw.integers(len(windows))]), True, draw)
        row = int(self._backgrounds[draw.integers(len(self._backgrounds))])
        return np.asarray(self._base.training.features[row])

    def _joined(self, first: NDArray[np.int8], second: NDArray[np.int8]) -> NDArray[np.int8]:
        """Two clips in one stream, in whole steps."""
        length = round(self._recipe.clip_s * FRAMES_PER_S)
        both = np.concatenate([first[:, :length], second], axis=1)
        return both[:, : 2 * length // STEP_FRAMES * STEP_FRAMES]

    def _examples(self, features: NDArray[np.int8], pairs: NDArray[np.int64]) -> ExampleSet:
        recipe = self._recipe
        steps = features.shape[1] // STEP_FRAMES
        clip_steps = round(recipe.clip_s * FRAMES_PER_S) // STEP_FRAMES
        targets = pairs[:, np.minimum(np.arange(steps) // clip_steps, pairs.shape[1] - 1)]
        return ExampleSet(
            features=features,
            targets=targets,
            weights=self._audible(features) * asked(recipe, steps),
            rejects=np.cumprod(targets >= len(recipe.targets), axis=1).astype(np.float32),
            sources=np.full(pairs.shape, -1),
        )

    def _audible(self, features: NDArray[np.int8]) -> NDArray[np.float32]:
        """(N, S), a block after the other: decibels take eight times the memory of features."""
        gate_db = self._recipe.decision.clip_gate_db
        blocks = range(0, len(features), _BLOCK)
        return np.concatenate([audible(features[start : start + _BLOCK], gate_db) for start in blocks])
