"""What every contender is given: the same examples to learn from and the same clips to be judged by."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from contract.audio import FRAMES_PER_S, HOP_SAMPLES, RATE_HZ
from contract.manifest import is_target
from model_build.augment import Augmenter
from model_build.dataset import TRAINING, VALIDATION, Pcm, Progress, Recordings, Sound
from model_build.errors import DatasetError
from model_build.evaluate import step_levels_db
from model_build.examples import ExampleSet, make_copy, unvaried, whole_steps
from model_build.negatives import Negatives
from model_build.recipe import Recipe
from model_build.runtime import Frontend

BEFORE_S, AFTER_S = 1.0, 0.6
"""Near silence around a clip that is heard as part of a stream."""
QUIET_RMS = 1e-4


@dataclass(frozen=True, slots=True, kw_only=True)
class Clips:
    """Clips to be judged."""

    features: NDArray[np.int8]
    """(N, T, MEL_BINS)"""
    levels_db: NDArray[np.float64]
    """(N, S) level of each step in dBFS"""
    truth: NDArray[np.int64]
    """(N,) index of each clip's label"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """One split into what is learned from and what is judged."""

    name: str
    held_out: frozenset[int]
    """Which of the learned sounds are kept from the contenders."""
    judged: tuple[Sound, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Lessons:
    """What one contender may learn from in one round with one seed."""

    plain: ExampleSet
    """Every sound as it was recorded, with the recipe's parts of unknown sound and silence."""
    copies: tuple[ExampleSet, ...]
    """The recipe's augmented copies."""
    groups: NDArray[np.int64]
    """(sounds,) number of each sound's speaker or fold; no group may be both learned from and tuned on"""


class Bench:
    """The recordings of one comparison, cut into rounds and made into examples."""

    def __init__(
        self,
        recipe: Recipe,
        recordings: Recordings,
        negatives: Negatives,
        frontend: Frontend,
        progress: Progress,
    ) -> None:
        self.recipe = recipe
        self._recordings, self._negatives = recordings, negatives
        self._frontend, self._progress = frontend, progress
        self._learned = self._sounds_to_learn()
        self._judged: dict[str, Clips] = {}
        self._approaches: dict[str, tuple[NDArray[np.int8], NDArray[np.int64]]] = {}
        self._drawn: _Drawn | None = None

    @cached_property
    def rounds(self) -> tuple[Round, ...]:
        """The validation split in one round, or each fold in one."""
        if not self._folded:
            judged = self._recordings.of(VALIDATION)
            return (Round(name=VALIDATION, held_out=frozenset(), judged=judged),)
        folds = sorted({sound.clip.split for sound in self._learned})
        return tuple(
            Round(
                name=f"fold {fold}",
                held_out=frozenset(i for i, sound in enumerate(self._learned) if sound.clip.split == fold),
                judged=tuple(sound for sound in self._learned if sound.clip.split == fold),
            )
            for fold in folds
        )

    def lessons(self, split: Round, seed: int, copies: int) -> Lessons:
        """Examples without what ``split`` judges; ``seed`` changes how they are drawn."""
        drawn = self._examples(seed)
        while (done := len(drawn.copies)) < copies:
            drawn.copies.append(self._copy(self.recipe, seed, done))
            self._progress("varying the sounds", done + 1, copies)
        return Lessons(
            plain=drawn.plain.without(split.held_out),
            copies=tuple(copy.without(split.held_out) for copy in drawn.copies[:copies]),
            groups=groups_of(self._learned, by_split=self._folded),
        )

    def judged(self, split: Round) -> Clips:
        """The clips of ``split``, and as many made silences as an average label has."""
        if split.name not in self._judged:
            recipe = self.recipe
            augmenter = self._augmenter(np.random.default_rng(recipe.training.seed + 1))
            count = max(1, len(split.judged) // len(recipe.labels))
            samples = round(recipe.clip_s * RATE_HZ)
            silences = [augmenter.silence(samples) for _ in range(count)]
            names = [*(sound.label for sound in split.judged), *[recipe.silence] * count]
            pcm = [*(sound.pcm for sound in split.judged), *silences]
            self._judged[split.name] = Clips(
                features=self._features(pcm, f"hearing {split.name}"),
                levels_db=np.array([step_levels_db(whole_steps(sound)) for sound in pcm]),
                truth=np.array([recipe.labels.index(name) for name in names]),
            )
        return self._judged[split.name]

    def approaches(self, split: Round) -> tuple[NDArray[np.int8], NDArray[np.int64]]:
        """Each judged target in a quiet stream of its own: features (N, T, MEL_BINS), labels (N,)."""
        if split.name not in self._approaches:
            draw = np.random.default_rng(self.recipe.training.seed + 2)
            targets = [sound for sound in split.judged if is_target(sound.label)]
            pcm = [surrounded(sound.pcm, draw) for sound in targets]
            labels = np.array([self.recipe.labels.index(sound.label) for sound in targets])
            self._approaches[split.name] = self._features(pcm, f"hearing {split.name} in streams"), labels
        return self._approaches[split.name]

    @property
    def _folded(self) -> bool:
        return not self._recordings.of(TRAINING)

    def _sounds_to_learn(self) -> tuple[Sound, ...]:
        recordings = self._recordings
        if not self._folded:
            if not recordings.of(VALIDATION):
                raise DatasetError("needs clips of the split 'validation', to be judged by")
            return recordings.of(TRAINING)
        if len({sound.clip.split for sound in recordings.sounds}) < 2:
            raise DatasetError("needs clips of at least two folds, to judge one by what the others taught")
        return recordings.sounds

    def _examples(self, seed: int) -> "_Drawn":
        if self._drawn is None or self._drawn.seed != seed:
            self._drawn = _Drawn(seed=seed, plain=self._copy(unvaried(self.recipe), seed, 0), copies=[])
        return self._drawn

    def _copy(self, recipe: Recipe, seed: int, index: int) -> ExampleSet:
        seeded = replace(recipe, training=replace(recipe.training, seed=seed))
        noises, negatives = self._recordings.noises, self._negatives.learned
        return make_copy(seeded, index, self._learned, noises, negatives, self._frontend)

    def _augmenter(self, draw: np.random.Generator) -> Augmenter:
        return Augmenter(self.recipe.augment, self._recordings.noises, draw)

    def _features(self, sounds: Sequence[Pcm], what: str) -> NDArray[np.int8]:
        return np.stack(list(self._hear(sounds, what)))

    def _hear(self, sounds: Sequence[Pcm], what: str) -> Iterator[NDArray[np.int8]]:
        for index, pcm in enumerate(sounds):
            yield self._frontend.features(whole_steps(pcm))
            self._progress(what, index + 1, len(sounds))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Drawn:
    """Examples of one seed; copies are made when somebody wants them."""

    seed: int
    plain: ExampleSet
    copies: list[ExampleSet]


def surrounded(pcm: Pcm, draw: np.random.Generator) -> Pcm:
    """``pcm`` after ``BEFORE_S`` and before ``AFTER_S`` of a quiet room."""
    before, after = (draw.normal(0.0, QUIET_RMS * 32768, round(s * RATE_HZ)) for s in (BEFORE_S, AFTER_S))
    return np.concatenate([before.round().astype(np.int16), pcm, after.round().astype(np.int16)])


def groups_of(sounds: Sequence[Sound], *, by_split: bool) -> NDArray[np.int64]:
    """(sounds,) one number per fold, or per speaker or whatever else the loader keeps together."""
    keys = [sound.clip.split if by_split else sound.clip.group or sound.clip.path.name for sound in sounds]
    return np.asarray(np.unique(np.array(keys), return_inverse=True)[1], dtype=np.int64)


def frames_of(seconds: float) -> int:
    """Frames of a clip that is filled up to whole steps.

    >>> frames_of(1.0), frames_of(5.0)
    (52, 252)
    """
    return int(whole_steps(np.zeros(round(seconds * RATE_HZ), np.int16)).size // HOP_SAMPLES)


def seconds_of(frames: int) -> float:
    """How long ``frames`` last."""
    return frames / FRAMES_PER_S
