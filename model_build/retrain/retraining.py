"""From a base archive and a snapshot of reviewed windows to a bundle: learn, export, prove, choose, pack."""

import dataclasses
import importlib.metadata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from contract.manifest import INT8, DataSet, is_target
from model_build import parity
from model_build.batches import batch_count
from model_build.bundle import make_bundle
from model_build.errors import SnapshotError
from model_build.evaluate import Heard, Score, score
from model_build.export import export_classifier
from model_build.factory import alarm_metrics, score_metrics
from model_build.network import Network
from model_build.parity_report import frontend_part, quantized_part, streamed_part
from model_build.recipe import Recipe
from model_build.report.rules import Rules
from model_build.retrain.amounts import amounts_of
from model_build.retrain.base import Base
from model_build.retrain.base_file import read_base
from model_build.retrain.exam import Exam
from model_build.retrain.excerpts import clip_frames, cut, find_starts, is_lasting
from model_build.retrain.growth import OldKnowledge, enough_epochs, grown_network, learning_recipe
from model_build.retrain.hearing import (
    Ear,
    clip_of,
    hear_clips,
)
from model_build.retrain.lessons import WindowLessons
from model_build.retrain.snapshot import NONE, TRAINING, VALIDATION, Snapshot, read_snapshot
from model_build.runtime import Classifier, Frontend
from model_build.train import Watch, train
from model_build.work import WorkFolder
from model_build.workshop import CALIBRATION_CLIPS, calibration

_SHOWN_WINDOWS = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class RetrainOrder:
    """What is to be learned from, and how."""

    base: Path
    windows: Path
    """Folder of the snapshot."""
    work: Path
    epochs: int | None = None
    """None: enough of them; see ``enough_epochs``."""
    seed: int | None = None
    version: str | None = None
    """Of the bundle; none: the base's, and the beginning of the snapshot's digest."""
    variant: str = INT8


@dataclass(frozen=True, slots=True, kw_only=True)
class Retrained:
    """The candidate."""

    content: bytes
    score: Score
    labels: tuple[str, ...]


class Watcher(Protocol):
    """Told how far a retraining is."""

    def progress(self, what: str, done: int, total: int) -> None:
        """``done`` of ``total`` of ``what`` is done."""

    def epoch(self, number: int, epochs: int, loss: float, accuracy: float) -> None:
        """An epoch is done; the accuracy is that on validation."""


def retrain(order: RetrainOrder, watcher: Watcher) -> Retrained:
    """The bundle that knows what the base knows and what the windows show.

    ``ModelBuildError`` says why it cannot be made. What ``order.work`` holds of the same base, snapshot and
    numbers is not done again.
    """
    base, snapshot = read_base(order.base), read_snapshot(order.windows)
    require_fitting(base, snapshot)
    version = order.version or f"{base.origin.version}+{snapshot.head.digest[:8]}"
    batches = batch_count(base.recipe, amounts_of(base, snapshot).examples)
    epochs = order.epochs or enough_epochs(base.recipe, batches)
    recipe = learning_recipe(base.recipe, snapshot.head.labels, version, epochs)
    seed = recipe.training.network_seeds[0] if order.seed is None else order.seed
    work = WorkFolder.open(order.work, _key(base, snapshot, recipe, seed))
    watcher.progress("finding the sounds in the windows", 0, 1)
    starts = np.array(work.once("starts", lambda: {"starts": find_starts(recipe, snapshot)})["starts"])
    exam = Exam(recipe, base, snapshot, starts)

    def watch(number: int, loss: float, network: Network) -> None:
        watcher.epoch(number, recipe.training.epochs, loss, exam.accuracy(network))

    network = learn(recipe, base, snapshot, starts, seed, watch=watch, work=work)
    return _packed(order, recipe, base, snapshot, starts, network, exam, watcher)


def require_fitting(base: Base, snapshot: Snapshot) -> None:
    """Refuse windows of another front end, and new labels that cannot be learned or not be judged."""
    if snapshot.head.frontend_digest != base.frontend_digest:
        raise SnapshotError(
            f"the windows come from front end {snapshot.head.frontend_digest[:12]}, the base from"
            f" {base.frontend_digest[:12]}: their frames mean different things and are never mixed"
        )
    for place, label in enumerate(snapshot.head.labels):
        for split, use in ((TRAINING, "learn from"), (VALIDATION, "judge by")):
            windows = np.count_nonzero((snapshot.label == place) & (snapshot.split == split))
            if is_target(label) and label not in base.labels and not windows:
                raise SnapshotError(f"the new label {label!r} has no window to {use}; review more of them")


def learn(
    recipe: Recipe,
    base: Base,
    snapshot: Snapshot,
    starts: NDArray[np.int64],
    seed: int,
    *,
    watch: Watch[Network] | None = None,
    work: WorkFolder | None = None,
) -> Network:
    """The base's network, grown to the labels of ``recipe`` and trained on base and windows."""
    return train(
        recipe,
        WindowLessons(recipe, base, snapshot, starts),
        seed,
        lambda *_: None,
        make=lambda recipe, seed: grown_network(base, recipe, seed),
        teachers=[OldKnowledge(base, recipe)],
        work=work,
        watch=watch,
    )


def _packed(
    order: RetrainOrder,
    recipe: Recipe,
    base: Base,
    snapshot: Snapshot,
    starts: NDArray[np.int64],
    network: Network,
    exam: Exam,
    watcher: Watcher,
) -> Retrained:
    watcher.progress("exporting", 0, 3)
    new = [place for place, label in enumerate(recipe.labels) if label not in base.labels]
    lean = exam.lean(network)
    network.lean(new, lean)
    temperature = exam.temperature(network)
    network.cool(temperature)
    shown = _shown(recipe, base, snapshot, starts)
    content = export_classifier(recipe.network, network.arrays(), calibration(network, shown), order.variant)
    classifier, frontend = Classifier(content), Frontend(base.preprocess)
    parity.check_streaming(classifier, shown[0])
    worst_db = parity.check_frontend(frontend, recipe.frontend)
    agreement = parity.check_classifier(network, classifier, list(shown[: parity.CLIPS]))
    watcher.progress("choosing thresholds", 1, 3)
    streams = _hear_streams(base, classifier, varied=False)
    varied = _hear_streams(base, classifier, varied=True)
    thresholds = exam.thresholds(classifier, [*streams, *varied])
    heard, floating = hear_clips(classifier, exam.judges), Ear(network).hear(exam.judges)
    result = score(heard, recipe.labels, recipe.decision)
    bundle = make_bundle(
        recipe,
        base.preprocess,
        content,
        thresholds=thresholds,
        metrics={
            **score_metrics(result, base.origin.learned),
            **alarm_metrics(Rules.chosen(recipe, thresholds), heard, streams),
            **agreement,
            "training_windows": float(np.count_nonzero(snapshot.split == TRAINING)),
            "validation_windows": float(len(exam.window_clips)),
            "temperature": temperature,
            "lean": lean,
            "parity_frontend_db": worst_db,
        },
        proof={
            "frontend": frontend_part(frontend, recipe.frontend),
            "quantized": quantized_part(agreement, floating, heard, recipe.labels, recipe.decision),
            "streamed": streamed_part(classifier, shown[0]),
        },
        datasets=_lineage(base, snapshot),
    )
    watcher.progress("packed", 3, 3)
    return Retrained(content=bundle, score=result, labels=recipe.labels)


def _hear_streams(base: Base, classifier: Classifier, *, varied: bool) -> list[Heard]:
    """What a classifier says of the base's streams without targets."""
    streams = base.streams.each(varied=varied)
    return hear_clips(classifier, [clip_of(base.labels[label], frames) for label, frames in streams])


def _shown(recipe: Recipe, base: Base, snapshot: Snapshot, starts: NDArray[np.int64]) -> NDArray[np.int8]:
    """(N, T, MEL_BINS) of what was learned from: base examples, and windows spread over all of them."""
    labelled = np.flatnonzero((snapshot.split == TRAINING) & (snapshot.label != NONE))
    some = labelled[:: max(1, -(-len(labelled) // _SHOWN_WINDOWS))]
    length, lasting = clip_frames(recipe), is_lasting(recipe)
    clips = [cut(snapshot.window(index), int(starts[index]), length, lasting=lasting) for index in some]
    known = base.training.features[: CALIBRATION_CLIPS - len(clips)]
    return np.concatenate([known, *(clip[None] for clip in clips)])


def _lineage(base: Base, snapshot: Snapshot) -> Sequence[DataSet]:
    windows = DataSet(
        name="Reviewed windows of the fleet",
        licence="of whoever runs the fleet",
        source=f"snapshot {snapshot.head.digest}, on bundle {base.origin.digest}, base {base.digest}",
        clips=int(np.count_nonzero(snapshot.split == TRAINING)),
    )
    return [*base.origin.datasets, windows]


def _key(base: Base, snapshot: Snapshot, recipe: Recipe, seed: int) -> Mapping[str, Any]:
    """All that a retraining depends on."""
    versions = {name: importlib.metadata.version(name) for name in ("soundpost", "numpy", "ai-edge-litert")}
    shaping = dataclasses.asdict(recipe)
    for name in ("version", "description"):
        del shaping[name]
    return {
        "base": base.digest,
        "windows": snapshot.head.digest,
        "labels": snapshot.head.labels,
        "recipe": shaping,
        "seed": seed,
        "versions": versions,
    }
