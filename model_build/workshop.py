"""The parts of a build: varied copies, teachers, a trained and exported network, clips heard by it."""

import dataclasses
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from contract.audio import RATE_HZ
from model_build import parity
from model_build.augment import Augmenter
from model_build.batches import Copies
from model_build.dataset import Pcm, Progress, Recordings, Sound
from model_build.errors import DatasetError
from model_build.evaluate import Heard, hear, score
from model_build.examples import ExampleSet, make_copy, plain_copy
from model_build.export import export_classifier
from model_build.negatives import Negatives
from model_build.network import Network
from model_build.recipe import NetworkRecipe, Recipe
from model_build.runtime import Classifier, Frontend
from model_build.temperature import fit_temperature
from model_build.train import default_network, epochs_done, train
from model_build.work import Arrays, WorkFolder

CALIBRATION_CLIPS = 200
_WHOLE_EIGHTS = 8
_STREAMS = 77
"""Part of the seed by which streams are varied, so that they are varied otherwise than any copy."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fitted:
    """A trained network and what a node runs of it."""

    network: Network
    classifier: bytes
    temperature: float
    """What its logits are divided by, within both."""
    features: NDArray[np.int8]
    """(N, T, MEL_BINS) of what it learned from"""


@dataclass(frozen=True, slots=True, kw_only=True)
class HeardTwice:
    """The same clips in the same order, heard by a network and by what was exported of it."""

    exported: list[Heard]
    floating: list[Heard]


class Workshop:
    """The recordings of one build and what is done with them; what was done once is in the work folder."""

    def __init__(
        self,
        recipe: Recipe,
        recordings: Recordings,
        negatives: Negatives,
        preprocess: bytes,
        work: WorkFolder,
        variant: str,
        progress: Progress,
    ) -> None:
        self._recipe, self._recordings, self._negatives = recipe, recordings, negatives
        self._preprocess, self._work, self._variant = preprocess, work, variant
        self._progress = progress

    def split(self, name: str) -> tuple[Sound, ...]:
        """Sounds of a split that must not be empty."""
        sounds = self._recordings.of(name)
        if not sounds:
            raise DatasetError(f"no clip of the split {name!r} could be read")
        return sounds

    def copies(self, sounds: Sequence[Sound], count: int) -> list[ExampleSet]:
        """The first ``count`` varied copies of ``sounds``."""
        frontend = Frontend(self._preprocess)
        noises = [*self._recordings.noises, *self._backgrounds()]
        made = []
        for index in range(count):
            make = partial(make_copy, self._recipe, index, sounds, noises, self._negatives.learned, frontend)
            arrays = self._work.once(f"copy-{index}", partial(_arrays_of, make))
            made.append(ExampleSet(**arrays))
            self._progress("varying the sounds", index + 1, count)
        return made

    def cross_validate(self, sounds: Sequence[Sound]) -> tuple[HeardTwice, float]:
        """Each fold heard by a model that was trained on the others, and the mean of their temperatures."""
        exported, floating, temperatures = [], [], []
        folds = sorted({sound.clip.split for sound in sounds})
        if len(folds) < 2:
            raise DatasetError("needs clips of at least two folds, to measure on one what the others taught")
        for fold in folds:
            held_out = [index for index, sound in enumerate(sounds) if sound.clip.split == fold]
            fitted = self.fit(sounds, f"without-{fold}", held_out, judges=self.split(fold))
            heard = self.hear(fitted, self.split(fold))
            temperatures.append(fitted.temperature)
            exported += heard.exported
            floating += heard.floating
        return HeardTwice(exported=exported, floating=floating), float(np.mean(temperatures))

    def fit(
        self,
        sounds: Sequence[Sound],
        name: str,
        held_out: Collection[int] = (),
        *,
        judges: Sequence[Sound] = (),
        temperature: float | None = None,
    ) -> Fitted:
        """Train on ``sounds`` but for those ``held_out``, export, and prove that the export streams.

        The ``temperature`` is chosen on ``judges``, sounds not learned from, unless it is given.
        """
        copies, network, fitting = self._trained(sounds, name, held_out, judges)
        temperature = fitting if temperature is None else temperature
        network.cool(temperature)
        shown = calibration(network, copies[0].features)
        classifier = export_classifier(self._recipe.network, network.arrays(), shown, self._variant)
        parity.check_streaming(Classifier(classifier), copies[0].features[0])
        return Fitted(
            network=network,
            classifier=classifier,
            temperature=temperature,
            features=np.array(copies[0].features[: parity.CLIPS]),
        )

    def network(self, sounds: Sequence[Sound], name: str, judges: Sequence[Sound]) -> Network:
        """The network of ``fit``, before its logits are divided."""
        return self._trained(sounds, name, (), judges)[1]

    def plain(self, sounds: Sequence[Sound]) -> ExampleSet:
        """``sounds`` as they were recorded, and as much silence and negatives as a copy has."""
        return plain_copy(self._recipe, sounds, self._negatives.learned, Frontend(self._preprocess))

    def is_trained(self, name: str) -> bool:
        """Whether the work folder holds all networks of ``fit``, to their last epoch."""
        training = self._recipe.training
        folders = [self._work.within(f"{name}-seed-{seed}") for seed in training.network_seeds]
        return all(epochs_done(folder) >= training.epochs for folder in folders)

    def _trained(
        self, sounds: Sequence[Sound], name: str, held_out: Collection[int], judges: Sequence[Sound]
    ) -> tuple[list[ExampleSet], Network, float]:
        """At least the first copy, the best network, and the temperature that fits it on ``judges``."""
        recipe, done = self._recipe, self.is_trained(name)
        varied = self.copies(sounds, 1 if done else recipe.augment.copies)
        copies = [copy.without(held_out) if held_out else copy for copy in varied]
        wanted = 0 if done else recipe.distillation.teachers
        teachers = [self._teach(copies, name, number) for number in range(wanted)]
        candidates = [self._candidate(copies, name, seed, teachers) for seed in recipe.training.network_seeds]
        network, fitting = self._best(candidates, judges)
        return copies, network, fitting

    def _candidate(
        self, copies: Sequence[ExampleSet], name: str, seed: int, teachers: Sequence[Network]
    ) -> Network:
        def progress(what: str, done: int, total: int) -> None:
            self._progress(f"{name}, seed {seed}: {what}", done, total)

        work = self._work.within(f"{name}-seed-{seed}")
        lessons = Copies(self._recipe, copies)
        return train(
            self._recipe, lessons, seed, progress, make=default_network, teachers=teachers, work=work
        )

    def _best(self, candidates: Sequence[Network], judges: Sequence[Sound]) -> tuple[Network, float]:
        """The candidate that is right most often on ``judges``, surest among equals, and its temperature."""
        labels, decision = self._recipe.labels, self._recipe.decision
        clips = [(sound.label, sound.pcm) for sound in judges]
        ranks = []
        for index, network in enumerate(candidates):
            heard = hear(Frontend(self._preprocess), parity.FloatListener(network), clips, self._progress)
            fit = fit_temperature(heard, labels, decision)
            accuracy = score(heard, labels, decision).accuracy if heard else 0.0
            ranks.append((-accuracy, fit.loss, index, fit.temperature))
        _, _, best, temperature = min(ranks)
        return candidates[best], temperature

    def judged(self, sounds: Sequence[Sound]) -> list[tuple[str, Pcm]]:
        """``sounds`` by label, and as many made silences as an average label has clips."""
        recipe = self._recipe
        draw = np.random.default_rng([recipe.training.seed, recipe.augment.copies])
        augmenter = Augmenter(recipe.augment, self._recordings.noises, draw)
        samples, count = round(recipe.clip_s * RATE_HZ), max(1, len(sounds) // len(recipe.labels))
        silence = [(recipe.silence, augmenter.silence(samples)) for _ in range(count)]
        return [*((sound.label, sound.pcm) for sound in sounds), *silence]

    def hear(self, fitted: Fitted, sounds: Sequence[Sound]) -> HeardTwice:
        """``sounds`` and made silences, as ``judged`` gives them."""
        clips = self.judged(sounds)
        frontend, network = Frontend(self._preprocess), parity.FloatListener(fitted.network)
        return HeardTwice(
            exported=hear(frontend, Classifier(fitted.classifier), clips, self._progress),
            floating=hear(frontend, network, clips, self._progress),
        )

    def streams(self) -> list[tuple[str, Pcm]]:
        """The negatives that were held out, those of one folder one after another as one stream."""
        return self._held_out(lambda pcm: pcm)

    def varied_streams(self) -> list[tuple[str, Pcm]]:
        """The same streams, varied as copies are, ``recipe.decision.stream_copies`` times."""
        recipe, noises = self._recipe, [*self._recordings.noises, *self._backgrounds()]
        draw = np.random.default_rng([recipe.training.seed, _STREAMS])
        vary = Augmenter(recipe.augment, noises, draw).vary
        rounds = [self._held_out(vary) for _ in range(recipe.decision.stream_copies)]
        return [stream for streams in rounds for stream in streams]

    def hear_streams(self, fitted: Fitted, streams: Sequence[tuple[str, Pcm]]) -> list[Heard]:
        """What the exported classifier says of ``streams``."""
        return hear(Frontend(self._preprocess), Classifier(fitted.classifier), streams, self._progress)

    def _held_out(self, change: Callable[[Pcm], Pcm]) -> list[tuple[str, Pcm]]:
        streams = []
        for table in self._recipe.negatives:
            sounds = [
                change(negative.pcm) for negative in self._negatives.held_out if negative.table == table
            ]
            if sounds:
                streams.append((table.label, np.concatenate(sounds)))
        return streams

    def _backgrounds(self) -> list[NDArray[np.int16]]:
        """Negatives without speech are noise to mix in, too."""
        return [n.pcm for n in self._negatives.learned if n.table.label == self._recipe.silence]

    def _teach(self, copies: Sequence[ExampleSet], name: str, number: int) -> Network:
        """A wider network with a seed of its own."""
        recipe = dataclasses.replace(
            self._recipe, network=widened(self._recipe.network, self._recipe.distillation.widen)
        )

        def progress(what: str, done: int, total: int) -> None:
            self._progress(f"{name}: teacher {number + 1}: {what}", done, total)

        return train(
            recipe,
            Copies(recipe, copies),
            max(recipe.training.network_seeds) + 1 + number,
            progress,
            make=default_network,
            work=self._work.within(f"{name}-teacher-{number + 1}"),
        )


def _arrays_of(make: Callable[[], ExampleSet]) -> Arrays:
    examples = make()
    return {field.name: getattr(examples, field.name) for field in dataclasses.fields(examples)}


def widened(recipe: NetworkRecipe, factor: float) -> NetworkRecipe:
    """The same network with ``factor`` times as many channels and units, in whole eights."""

    def wide(size: int) -> int:
        return max(1, round(size * factor / _WHOLE_EIGHTS)) * _WHOLE_EIGHTS

    return dataclasses.replace(
        recipe,
        convolutions=tuple(
            dataclasses.replace(layer, channels=wide(layer.channels)) for layer in recipe.convolutions
        ),
        dense=wide(recipe.dense),
        hidden=wide(recipe.hidden),
    )


def calibration(network: Network, features: NDArray[np.int8]) -> NDArray[np.float32]:
    """(N, history + T, MEL_BINS) normalised frames that show the converter what comes in."""
    frames = network.normalize(features[:CALIBRATION_CLIPS].astype(np.float32)).numpy()
    return np.pad(frames, [(0, 0), (network.recipe.history_frames, 0), (0, 0)]).astype(np.float32)
