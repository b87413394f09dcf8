"""Training examples: varied sounds, heard through the real preprocess.tflite."""

import dataclasses
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from contract.audio import FEATURE_SCALE_DB, FRAMES_PER_S, HOP_SAMPLES, RATE_HZ
from model_build.augment import Augmenter
from model_build.cuts import fit
from model_build.dataset import Pcm, Sound
from model_build.frontend_reference import to_db
from model_build.negatives import Negative
from model_build.recipe import Recipe
from model_build.runtime import Frontend
from model_build.shape import STEP_FRAMES
from model_build.warp import warped


@dataclass(frozen=True, slots=True, kw_only=True)
class ExampleSet:
    """N examples of T frames, S = T / 4 LSTM steps, at some of which the model is asked."""

    features: NDArray[np.int8]
    """(N, T, MEL_BINS)"""
    targets: NDArray[np.int64]
    """(N, S) index of the label that is right after that step"""
    weights: NDArray[np.float32]
    """(N, S) zero where the model is not asked or there was nothing to hear"""
    rejects: NDArray[np.float32]
    """(N, S) one at each step up to which no target was heard, and none has begun"""
    sources: NDArray[np.int64]
    """(N, clips in a row) index of each clip's sound, -1 for one that was made"""

    def without(self, held_out: Collection[int]) -> "ExampleSet":
        """The examples that contain none of the sounds ``held_out``."""
        keep = ~np.isin(self.sources, list(held_out)).any(axis=1)
        return ExampleSet(
            features=self.features[keep],
            targets=self.targets[keep],
            weights=self.weights[keep],
            rejects=self.rejects[keep],
            sources=self.sources[keep],
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Drawn:
    """A varied sound, its label's index, and the index of the sound that it was."""

    pcm: Pcm
    target: int
    source: int


def make_copy(
    recipe: Recipe,
    index: int,
    sounds: Sequence[Sound],
    noises: Sequence[Pcm],
    negatives: Sequence[Negative],
    frontend: Frontend,
) -> ExampleSet:
    """The varied copy ``index`` of ``sounds``: a function of what it is given, and of nothing else."""
    draw = np.random.default_rng([recipe.training.seed, index])
    part = recipe.augment.chained_part
    # Spread evenly: a copy is chained whenever the sum of the parts passes a whole number.
    chained = int((index + 1) * part) > int(index * part)
    maker = _ExampleMaker(recipe, Augmenter(recipe.augment, noises, draw), frontend, draw)
    return maker.copy(sounds, negatives, chain=2 if chained else 1)


def plain_copy(
    recipe: Recipe, sounds: Sequence[Sound], negatives: Sequence[Negative], frontend: Frontend
) -> ExampleSet:
    """A copy in which every sound is as it was recorded, one clip to an example."""
    return make_copy(unvaried(recipe), 0, sounds, [], negatives, frontend)


def unvaried(recipe: Recipe) -> Recipe:
    """``recipe`` with recordings left as they are, one by one."""
    names = (field.name for field in dataclasses.fields(recipe.augment))
    chances: dict[str, Any] = {name: 0.0 for name in names if name.endswith("_chance")}
    augment = dataclasses.replace(
        recipe.augment,
        copies=1,
        chained_part=0.0,
        scrambled_part=0.0,
        speed=0.0,
        shift_s=0.0,
        gain_db=(0.0, 0.0),
        **chances,
    )
    return dataclasses.replace(recipe, augment=augment)


class _ExampleMaker:
    def __init__(
        self, recipe: Recipe, augmenter: Augmenter, frontend: Frontend, draw: np.random.Generator
    ) -> None:
        self._recipe, self._augmenter = recipe, augmenter
        self._frontend, self._draw = frontend, draw

    def copy(self, sounds: Sequence[Sound], negatives: Sequence[Negative], chain: int) -> ExampleSet:
        drawn = [
            *self._draw_targets(sounds),
            *self._draw_unknown(sounds),
            *self._draw_silence(sounds),
            *self._draw_negatives(sounds, negatives),
        ]
        order = self._draw.permutation(len(drawn))
        others = self._draw.permutation(len(drawn))
        picked = [[drawn[i], *([drawn[j]] if chain == 2 else [])] for i, j in zip(order, others, strict=True)]
        pcm = (np.concatenate([part.pcm for part in parts]) for parts in picked)
        features = np.stack([self._frontend.features(whole_steps(sound)) for sound in pcm])
        steps = features.shape[1] // STEP_FRAMES
        clip_steps = round(self._recipe.clip_s * FRAMES_PER_S) // STEP_FRAMES
        places = np.minimum(np.arange(steps) // clip_steps, chain - 1)
        targets = np.array([[part.target for part in parts] for parts in picked])[:, places]
        return ExampleSet(
            features=features,
            targets=targets,
            rejects=np.cumprod(targets >= len(self._recipe.targets), axis=1).astype(np.float32),
            weights=audible(features, self._recipe.decision.clip_gate_db) * asked(self._recipe, steps),
            sources=np.array([[part.source for part in parts] for parts in picked]),
        )

    def _draw_targets(self, sounds: Sequence[Sound]) -> Iterator[_Drawn]:
        for source, sound in enumerate(sounds):
            if sound.label in self._recipe.targets:
                target = self._recipe.labels.index(sound.label)
                yield _Drawn(pcm=self._augmenter.vary(sound.pcm), target=target, source=source)

    def _draw_unknown(self, sounds: Sequence[Sound]) -> Iterator[_Drawn]:
        recipe, draw = self._recipe, self._draw
        pool = [index for index, sound in enumerate(sounds) if sound.label == recipe.unknown]
        targets = [sound for sound in sounds if sound.label in recipe.targets]
        if recipe.unknown is None or not pool:
            return
        words = [sounds[index].clip.word for index in pool]
        chance = np.array([words.count(word) ** -recipe.training.balance for word in words])
        for _ in range(self._amount(sounds, recipe.unknown_part)):
            source = pool[draw.choice(len(pool), p=chance / chance.sum())]
            if draw.random() < recipe.augment.scrambled_part:
                first, second = draw.choice(len(targets), 2)
                pcm, source = self._augmenter.scramble(targets[first].pcm, targets[second].pcm), -1
            else:
                pcm = sounds[source].pcm
            target = recipe.labels.index(recipe.unknown)
            yield _Drawn(pcm=self._augmenter.vary(pcm), target=target, source=source)

    def _draw_silence(self, sounds: Sequence[Sound]) -> Iterator[_Drawn]:
        samples = round(self._recipe.clip_s * RATE_HZ)
        for _ in range(self._amount(sounds, self._recipe.silence_part)):
            target = self._recipe.labels.index(self._recipe.silence)
            yield _Drawn(pcm=self._augmenter.silence(samples), target=target, source=-1)

    def _draw_negatives(self, sounds: Sequence[Sound], negatives: Sequence[Negative]) -> Iterator[_Drawn]:
        samples = round(self._recipe.clip_s * RATE_HZ)
        for table in self._recipe.negatives:
            pool = [negative.pcm for negative in negatives if negative.table == table]
            chance = np.array([float(pcm.size) for pcm in pool])
            for _ in range(self._amount(sounds, table.part) if pool else 0):
                pcm = pool[self._draw.choice(len(pool), p=chance / chance.sum())]
                start = self._draw.integers(max(1, pcm.size - samples))
                cut = fit(pcm[start:], samples)
                target = self._recipe.labels.index(table.label)
                yield _Drawn(pcm=self._augmenter.vary(cut), target=target, source=-1)

    def _amount(self, sounds: Sequence[Sound], part: float) -> int:
        targets = sum(sound.label in self._recipe.targets for sound in sounds)
        return max(1, round(part * targets / len(self._recipe.targets))) if part else 0


def asked(recipe: Recipe, steps: int) -> NDArray[np.float32]:
    """(steps,) one for each step after which the model is asked in an example of one or more clips."""
    every_s = recipe.training.readout_s
    clip_steps = round(recipe.clip_s * FRAMES_PER_S) // STEP_FRAMES
    places = np.zeros(steps, np.float32)
    if every_s is None:
        places[clip_steps - 1 : steps - clip_steps : clip_steps] = 1.0
        places[-1] = 1.0
    else:
        places[:: round(every_s * FRAMES_PER_S / STEP_FRAMES)] = 1.0
    return places


def whole_steps(pcm: Pcm) -> Pcm:
    """``pcm`` filled up with silence to whole steps of the classifier, as the node does at a file's end.

    >>> whole_steps(np.ones(16_000, np.int16)).size
    16640
    """
    return np.pad(pcm, (0, -pcm.size % (STEP_FRAMES * HOP_SAMPLES)))


def audible(features: NDArray[np.int8], gate_db: float | None) -> NDArray[np.float32]:
    """(N, S) one for each LSTM step at most ``gate_db`` below its example's loudest, zero for the others."""
    frames_db = to_db(features).mean(axis=2)
    levels = frames_db.reshape(frames_db.shape[0], -1, STEP_FRAMES).max(axis=2)
    loudest = levels.max(axis=1, keepdims=True)
    return np.asarray(levels >= loudest - (np.inf if gate_db is None else gate_db), dtype=np.float32)


_KNOTS = 5


def distort(features: NDArray[np.int8], recipe: Recipe, draw: np.random.Generator) -> NDArray[np.float32]:
    """A batch (N, T, MEL_BINS) of another throat and microphone, at another level, with a few holes."""
    augment = recipe.augment
    size, frames, bins = features.shape
    x = features.astype(np.float32)
    if augment.warp:
        x = warped(x, draw.uniform(1.0 - augment.warp, 1.0 + augment.warp, (size,)))
    places = np.arange(bins) / (bins - 1) * (_KNOTS - 1)
    hats = np.maximum(0.0, 1.0 - np.abs(places[None, :] - np.arange(_KNOTS)[:, None]))
    response_db = draw.uniform(-augment.tilt_db, augment.tilt_db, (size, _KNOTS)) @ hats
    response_db += draw.uniform(-augment.feature_gain_db, augment.feature_gain_db, (size, 1))
    muffled = draw.random((size, 1)) < augment.lowpass_chance
    above = np.arange(bins)[None, :] >= draw.integers(bins // 2, bins, (size, 1))
    response_db -= muffled * above * draw.uniform(6.0, 40.0, (size, 1))
    x += (response_db / FEATURE_SCALE_DB).astype(np.float32)[:, None, :]
    x = np.clip(np.round(x), -128, 127)
    mean = x.mean(axis=(1, 2), keepdims=True)
    hole = _stripe(draw, size, bins, augment.band_mask_bins)[:, None, :]
    hole = hole | _stripe(draw, size, frames, augment.time_mask_frames)[:, :, None]
    return np.asarray(np.where(hole, mean, x), dtype=np.float32)


def _stripe(draw: np.random.Generator, size: int, length: int, widest: int) -> NDArray[np.bool_]:
    width = draw.integers(0, widest + 1, (size, 1))
    start = draw.integers(0, np.maximum(1, length - width))
    index = np.arange(length)[None, :]
    return np.asarray((index >= start) & (index < start + width))
