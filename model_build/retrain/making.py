"""From the work folder of a training to its base archive."""

import dataclasses
import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from contract.audio import FRAMES_PER_S, MEL_BINS
from contract.bundle import Bundle
from contract.manifest import CLASSIFIER, INT8, PREPROCESS
from model_build import parity
from model_build.dataset import TRAINING, VALIDATION, Pcm, Progress, Sound
from model_build.errors import BaseArchiveError, ModelBuildError
from model_build.evaluate import step_levels_db
from model_build.examples import ExampleSet, whole_steps
from model_build.factory import Announce, Prepared, prepare, remembered
from model_build.network import Network
from model_build.recipe import Recipe
from model_build.retrain.base import Base, Origin, Streams, Training, Validation
from model_build.runtime import Classifier, Frontend

COPIES = 3
"""Varied copies that are kept beside the plain clips: after that, each costs more than it teaches."""
TRAINING_LIMIT_BYTES = 128_000_000
VALIDATION_CLIPS = 2000
STREAM_S = 2 * 3600
"""So much of each stream is kept."""


def make_base(work: Path, bundle: Bundle, progress: Progress, announce: Announce) -> Base:
    """The base of ``bundle``, whose training left the folder ``work``.

    Copies that were tidied away are made again from the recordings, and tidied away again.
    """
    order = remembered(work, INT8)
    ready = prepare(order, progress, announce, only_same=True)
    if not ready.shop.is_trained("final"):
        raise ModelBuildError(f"{work}: its training is not finished; `model-build train` goes on with it")
    by_folds = TRAINING not in ready.recordings.corpus.splits()
    sounds = ready.recordings.sounds if by_folds else ready.shop.split(TRAINING)
    judges = sounds if by_folds else ready.shop.split(VALIDATION)
    network = ready.shop.network(sounds, "final", () if by_folds else judges)
    weights = {name: variable.numpy() for name, variable in {**network.weights, **network.moments}.items()}
    training = _training(order.recipe, ready, sounds)
    _require_same(bundle, network, ready, training, work)
    ready.work.forget("copy-[1-9]*")
    return Base(
        recipe=order.recipe,
        origin=_origin(bundle, by_folds),
        preprocess=ready.preprocess,
        weights=weights,
        training=training,
        validation=_validation(order.recipe, ready, judges, progress),
        streams=_streams(order.recipe, ready),
    )


def _origin(bundle: Bundle, by_folds: bool) -> Origin:
    manifest = bundle.manifest
    return Origin(
        digest=bundle.digest,
        name=manifest.name,
        version=manifest.version,
        datasets=manifest.datasets,
        thresholds=manifest.thresholds,
        temperature=manifest.metrics["temperature"],
        validation_learned=by_folds,
        learned=int(manifest.metrics["training_clips"]),
    )


def _require_same(bundle: Bundle, network: Network, ready: Prepared, training: Training, work: Path) -> None:
    """Refuse a bundle that this work did not end in."""
    manifest = bundle.manifest
    try:
        network.cool(manifest.metrics["temperature"])
        if hashlib.sha256(ready.preprocess).hexdigest() != manifest.frontend_digest:
            raise ModelBuildError("its front end is another one")
        if bundle.files[PREPROCESS] != ready.preprocess or network.weights["out"].shape[1] != len(
            manifest.labels
        ):
            raise ModelBuildError("its labels are others")
        parity.check_classifier(
            network, Classifier(bundle.files[CLASSIFIER]), list(training.features[: parity.CLIPS])
        )
    except (ModelBuildError, KeyError) as error:
        raise BaseArchiveError(f"{work}: is not the work of bundle {manifest.model}: {error}") from error


def _training(recipe: Recipe, ready: Prepared, sounds: Sequence[Sound]) -> Training:
    plain = ready.shop.plain(sounds)
    part = recipe.augment.chained_part
    # As many copies as hold COPIES that are not chained: those of two clips are joined while learning.
    count, singles = 0, 0
    while singles < COPIES and count < recipe.augment.copies:
        singles += int((count + 1) * part) == int(count * part)
        count += 1
    varied = [copy for copy in ready.shop.copies(sounds, count) if copy.sources.shape[1] == 1]
    copies = [plain, *varied][: 1 + COPIES]
    rows = TRAINING_LIMIT_BYTES // len(copies) // copies[0].features[0].nbytes
    kept = [_some(copy, rows, index) for index, copy in enumerate(copies)]
    return Training(
        features=np.concatenate([copy.features for copy in kept]),
        target=np.concatenate([copy.targets[:, -1] for copy in kept]).astype(np.int16),
        copy=np.repeat(np.arange(len(kept), dtype=np.uint8), [len(copy.features) for copy in kept]),
    )


def _some(examples: ExampleSet, rows: int, index: int) -> ExampleSet:
    """At most ``rows`` of the examples, drawn evenly."""
    count = len(examples.features)
    if count <= rows:
        return examples
    drawn = np.sort(np.random.default_rng(index).choice(count, rows, replace=False))
    fields = [field.name for field in dataclasses.fields(examples)]
    return ExampleSet(**{name: getattr(examples, name)[drawn] for name in fields})


def _validation(recipe: Recipe, ready: Prepared, judges: Sequence[Sound], progress: Progress) -> Validation:
    clips = ready.shop.judged(judges)
    if len(clips) > VALIDATION_CLIPS:
        drawn = np.random.default_rng(0).choice(len(clips), VALIDATION_CLIPS, replace=False)
        clips = [clips[index] for index in np.sort(drawn)]
    frontend = Frontend(ready.preprocess)
    features, levels = [], []
    for index, (_, pcm) in enumerate(clips):
        whole = whole_steps(pcm)
        features.append(frontend.features(whole))
        levels.append(step_levels_db(whole))
        progress("keeping validation clips", index + 1, len(clips))
    return Validation(
        features=np.stack(features),
        truth=np.array([recipe.labels.index(label) for label, _ in clips], np.int16),
        levels_db=np.array(levels, np.float32),
    )


def _streams(recipe: Recipe, ready: Prepared) -> Streams:
    frontend = Frontend(ready.preprocess)
    plain, varied = ready.shop.streams(), ready.shop.varied_streams()
    sounds = [*plain, *varied]
    frames = [_heard(frontend, pcm)[: STREAM_S * FRAMES_PER_S] for _, pcm in sounds]
    return Streams(
        frames=np.concatenate([np.empty((0, MEL_BINS), np.int8), *frames]),
        offsets=np.cumsum([0, *(len(part) for part in frames)], dtype=np.int64),
        label=np.array([recipe.labels.index(label) for label, _ in sounds], np.int16),
        varied=np.repeat(np.array([0, 1], np.uint8), [len(plain), len(varied)]),
    )


def _heard(frontend: Frontend, pcm: Pcm) -> NDArray[np.int8]:
    return frontend.features(whole_steps(pcm))
