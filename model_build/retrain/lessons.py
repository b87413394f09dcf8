"""What a retraining shows: base examples and windows together, each time varied anew.

Chance is drawn per epoch, so that an epoch is a function of its number.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from contract.audio import FRAMES_PER_S
from contract.manifest import is_target
from model_build.batches import Batch, batch_count, mixed_batches
from model_build.examples import ExampleSet, asked, audible
from model_build.recipe import Recipe
from model_build.retrain.amounts import Share, amounts_of
from model_build.retrain.base import Base
from model_build.retrain.excerpts import clip_frames, cut, is_lasting, paced, said_by_others, varied
from model_build.retrain.growth import known_network
from model_build.retrain.hearing import Clip, Ear
from model_build.retrain.mixing import mix
from model_build.retrain.snapshot import Snapshot
from model_build.shape import STEP_FRAMES

TAUGHT = 0.7
"""Part of a base example's target that the base's network gives; of a window it gives nothing."""
_BELOW_DB = (3.0, 30.0)
"""How much quieter than the sound a background is that is mixed in."""
_BLOCK = 512


class WindowLessons:
    """Base examples and the training windows of a snapshot, epoch after epoch.

    Of a window of none of the labels the base's network says which label in underscores it is: some are
    silence, some are other sounds, and reviewers do not tell them apart.
    """

    def __init__(self, recipe: Recipe, base: Base, snapshot: Snapshot, starts: NDArray[np.int64]) -> None:
        self._recipe, self._base, self._snapshot, self._starts = recipe, base, snapshot, starts
        self._frames = clip_frames(recipe)
        self._amounts = amounts_of(base, snapshot)
        self._translate = np.array([recipe.labels.index(label) for label in base.labels])
        self._new = [label for label in recipe.labels if label not in base.labels]
        silence = base.labels.index(base.recipe.silence)
        self._backgrounds = np.flatnonzero(base.training.target == silence)
        self._ear = Ear(known_network(base))

    def count(self, epoch: int) -> int:  # noqa: ARG002
        """Batches of an epoch."""
        return batch_count(self._recipe, self._amounts.examples)

    def batches(self, epoch: int, draw: np.random.Generator) -> Iterator[Batch]:
        """The batches of an epoch."""
        features, targets = self._drawn(epoch, draw)
        taught = np.where(np.arange(len(targets)) < self._amounts.base_rows, TAUGHT, 0.0).astype(np.float32)
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

    def _drawn(self, epoch: int, draw: np.random.Generator) -> tuple[NDArray[np.int8], NDArray[np.int64]]:
        """(N, T, MEL_BINS) features and (N,) targets, those of the base first."""
        copies = self._amounts.copies
        rows = np.sort(draw.choice(copies[epoch % len(copies)], self._amounts.base_rows, replace=False))
        features = [self._base.training.features[rows]]
        targets = [self._translate[self._base.training.target[rows]]]
        for share in self._amounts.shares:
            order = np.concatenate([
                draw.permutation(share.windows) for _ in range(-(-share.amount // len(share.windows)))
            ])  # fmt: skip
            chosen = order[: share.amount]
            clips = np.stack([self._clip(index, share.anywhere, draw) for index in chosen])
            if share.label in self._new and not is_lasting(self._recipe):
                clips = said_by_others(self._recipe, clips, draw)
            features.append(clips)
            targets.append(self._called(share, clips))
        return np.concatenate(features), np.concatenate(targets)

    def _called(self, share: Share, clips: NDArray[np.int8]) -> NDArray[np.int64]:
        """(N,) what the network shall say of ``clips``."""
        labels = self._recipe.labels
        if share.label is not None and share.label in labels:
            return np.full(len(clips), labels.index(share.label))
        # A label in underscores that the base does not have is, like none of them, what the base makes of it.
        nothing = [place for place, label in enumerate(self._base.labels) if not is_target(label)]
        heard = self._ear.hear([Clip(label="", features=clip, levels_db=()) for clip in clips])
        best = np.stack([one.posteriors[-1, nothing] for one in heard]).argmax(axis=1)
        return np.asarray(self._translate[np.array(nothing)[best]])

    def _clip(self, index: int, anywhere: bool, draw: np.random.Generator) -> NDArray[np.int8]:
        """A clip of a window, faster or slower, earlier or later."""
        window = self._snapshot.window(index)
        if not anywhere:
            return varied(self._recipe, window, int(self._starts[index]), draw)
        start = int(draw.integers(max(1, len(window) - self._frames + 1)))
        clip = cut(window, start, self._frames, lasting=is_lasting(self._recipe))
        speed = self._recipe.augment.speed
        return paced(clip, draw.uniform(-speed, speed))

    def _mix(self, features: NDArray[np.int8], draw: np.random.Generator) -> None:
        """Put some of the examples over backgrounds: what nodes heard without any label, and silences."""
        chosen = np.flatnonzero(draw.random(len(features)) < self._recipe.augment.noise_chance / 2)
        nothing = [share.windows for share in self._amounts.shares if share.anywhere]
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
