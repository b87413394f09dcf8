"""From recordings to a bundle: read, check, vary, train, export, prove, judge, pack."""

import dataclasses
import hashlib
import importlib.metadata
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from contract.manifest import INT8, DataSet, is_target
from model_build import parity
from model_build.bundle import make_bundle
from model_build.checks.check import check_recordings, require_trainable
from model_build.checks.finding import Finding
from model_build.dataset import TRAINING, VALIDATION, Progress, Recordings, find_corpus, load_recordings
from model_build.errors import ModelBuildError
from model_build.evaluate import Heard, Score, score
from model_build.export import export_frontend
from model_build.negatives import Negatives, load_negatives
from model_build.parity_report import frontend_part, quantized_part, streamed_part
from model_build.recipe import Recipe, parse_recipe
from model_build.report.rules import Rules
from model_build.runtime import Classifier, Frontend
from model_build.speech import spoken_sounds
from model_build.sweep import STEP_S
from model_build.thresholds import choose_thresholds
from model_build.work import WorkFolder
from model_build.workshop import Fitted, HeardTwice, Workshop

_ORDER = "order.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What is to be built, out of what, and where the work is kept."""

    recipe: Recipe
    folder: Path
    """Of the recordings."""
    work: Path
    """Of the work; see ``model_build.work``."""
    negatives: Path | None = None
    """Where the recipe's negatives are; none: in or beside ``folder``."""
    limit: int | None = None
    """At most so many clips of each word and split."""
    variant: str = INT8
    """How the classifier's numbers are stored: one of ``QUANTIZATIONS``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Built:
    """A bundle and how it came about."""

    content: bytes
    score: Score
    broken: tuple[str, ...]
    """One sentence for each file or folder that was skipped."""


Announce = Callable[[Sequence[Finding]], None]
"""Told what is odd about the recordings, before anything is trained on them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """Everything that a training needs, read and ready."""

    shop: Workshop
    recordings: Recordings
    negatives: Negatives
    spoken: int
    """Sounds among the recordings that were spoken by a machine."""
    preprocess: bytes
    work: WorkFolder


def prepare(order: Order, progress: Progress, announce: Announce, *, only_same: bool = False) -> Prepared:
    """Read and check what ``order`` names, and open its work folder.

    With ``only_same`` a work folder that was filled from anything else is refused instead of cleared.
    """
    recipe = order.recipe
    recordings = load_recordings(recipe, find_corpus(recipe, order.folder), progress, order.limit)
    findings = check_recordings(recipe, recordings, order.limit)
    announce(findings)
    require_trainable(findings)
    places = [order.negatives] if order.negatives else [order.folder, order.folder.resolve().parent]
    negatives = load_negatives(recipe, places, progress)
    spoken = spoken_sounds(recipe, recordings.of(TRAINING), progress)
    recordings = dataclasses.replace(recordings, sounds=(*recordings.sounds, *spoken))
    work = WorkFolder.open(order.work, _key(recipe, recordings, negatives), only_same=only_same)
    preprocess = work.once_bytes("preprocess.tflite", lambda: export_frontend(recipe.frontend))
    return Prepared(
        shop=Workshop(recipe, recordings, negatives, preprocess, work, order.variant, progress),
        recordings=recordings,
        negatives=negatives,
        spoken=len(spoken),
        preprocess=preprocess,
        work=work,
    )


def build(order: Order, progress: Progress, announce: Announce) -> Built:
    """The bundle that ``order`` asks for; ``ModelBuildError`` if the recordings cannot be trained on.

    What ``order.work`` holds of the same recipe and recordings is not done again.
    """
    recipe, ready = order.recipe, prepare(order, progress, announce)
    remember(order)
    preprocess, shop = ready.preprocess, ready.shop
    worst_db = parity.check_frontend(Frontend(preprocess), recipe.frontend)
    fitted, heard, learned = _train(shop, ready.recordings)
    result = score(heard.exported, recipe.labels, recipe.decision)
    agreement = parity.check_classifier(
        fitted.network, Classifier(fitted.classifier), list(fitted.features[: parity.CLIPS])
    )
    streams = shop.hear_streams(fitted, shop.streams())
    varied = shop.hear_streams(fitted, shop.varied_streams())
    thresholds = choose_thresholds(heard.exported, [*streams, *varied], recipe.labels, recipe.decision)
    content = make_bundle(
        recipe,
        preprocess,
        fitted.classifier,
        thresholds=thresholds,
        metrics={
            **score_metrics(result, learned - ready.spoken),
            **alarm_metrics(Rules.chosen(recipe, thresholds), heard.exported, streams),
            **agreement,
            "temperature": fitted.temperature,
            "parity_frontend_db": worst_db,
        },
        proof={
            "frontend": frontend_part(Frontend(preprocess), recipe.frontend),
            "quantized": quantized_part(
                agreement, heard.floating, heard.exported, recipe.labels, recipe.decision
            ),
            "streamed": streamed_part(Classifier(fitted.classifier), fitted.features[0]),
        },
        datasets=_datasets(recipe, ready.recordings, ready.negatives, learned - ready.spoken),
    )
    # A thousand times as large as the weights, and made again when they are wanted.
    ready.work.forget("copy-[1-9]*")
    return Built(content=content, score=result, broken=(*ready.recordings.broken, *ready.negatives.broken))


def remember(order: Order) -> None:
    """Keep in the work folder what was ordered, so that more can be made of the work later."""
    said = {
        "recipe": dataclasses.asdict(order.recipe),
        "folder": str(order.folder.resolve()),
        "negatives": str(order.negatives.resolve()) if order.negatives else None,
        "limit": order.limit,
    }
    (order.work / _ORDER).write_text(json.dumps(said, indent=1))


def remembered(work: Path, variant: str) -> Order:
    """The order that ``work`` was done for, but for the ``variant``; ``ModelBuildError`` if there is none."""
    path = work / _ORDER
    if not path.is_file():
        raise ModelBuildError(f"{work}: is no work folder of a training; `model-build train` makes one")
    said = json.loads(path.read_text())
    return Order(
        recipe=parse_recipe(said["recipe"]),
        folder=Path(said["folder"]),
        work=work,
        negatives=Path(said["negatives"]) if said["negatives"] else None,
        limit=said["limit"],
        variant=variant,
    )


def _train(shop: Workshop, recordings: Recordings) -> tuple[Fitted, HeardTwice, int]:
    """The final model, how clips were heard that a model had not learned from, and how many it had."""
    if TRAINING in recordings.corpus.splits():
        learned = shop.split(TRAINING)
        judges = shop.split(VALIDATION)
        fitted = shop.fit(learned, "final", judges=judges)
        return fitted, shop.hear(fitted, judges), len(learned)
    heard, temperature = shop.cross_validate(recordings.sounds)
    fitted = shop.fit(recordings.sounds, "final", temperature=temperature)
    return fitted, heard, len(recordings.sounds)


def _key(recipe: Recipe, recordings: Recordings, negatives: Negatives) -> Mapping[str, Any]:
    """All that a training depends on."""
    content = hashlib.sha256()
    for sound in recordings.sounds:
        content.update(f"{sound.clip.word} {sound.clip.split} {sound.pcm.size}".encode())
        content.update(sound.pcm.tobytes())
    for noise in recordings.noises:
        content.update(noise.tobytes())
    for negative in (*negatives.learned, *negatives.held_out):
        content.update(f"{negative.path.name} {negative.held_out}".encode())
        content.update(negative.pcm.tobytes())
    versions = {name: importlib.metadata.version(name) for name in ("soundpost", "numpy", "ai-edge-litert")}
    shaping = dataclasses.asdict(recipe)
    # How results are called and judged does not change what is learned.
    for name in ("version", "description", "decision"):
        del shaping[name]
    return {
        "recipe": shaping | {"clip_gate_db": recipe.decision.clip_gate_db},
        "recordings": content.hexdigest(),
        "versions": versions,
    }


def _datasets(
    recipe: Recipe, recordings: Recordings, negatives: Negatives, learned: int
) -> Sequence[DataSet]:
    corpus = recordings.corpus
    own = DataSet(name=corpus.name, licence=corpus.licence, source=corpus.source, clips=learned)
    others = [
        DataSet(name=table.name, licence=table.licence, source=table.source, clips=negatives.clips(table))
        for table in recipe.negatives
    ]
    return [own, *(data_set for data_set in others if data_set.clips)]


def alarm_metrics(rules: Rules, clips: Sequence[Heard], streams: Sequence[Heard]) -> dict[str, float]:
    """What the chosen thresholds came to on the recordings that they were chosen on."""
    targets = [clip for clip in clips if is_target(clip.label)]
    missed = sum(
        clip.label not in {found.label for found in rules.detections(clip.posteriors)} for clip in targets
    )
    figures = {"missed": missed / max(1, len(targets))}
    if streams:
        figures["held_out_hours"] = sum(len(stream.posteriors) for stream in streams) * STEP_S / 3600
        figures["held_out_false_alarms"] = float(
            sum(len(rules.detections(stream.posteriors)) for stream in streams)
        )
    return figures


def score_metrics(result: Score, trained_on: int) -> dict[str, float]:
    """What a score comes to, for the manifest."""
    return {
        "validation_accuracy": result.accuracy,
        "validation_balanced_accuracy": result.balanced,
        "validation_clips": float(result.clips),
        "training_clips": float(trained_on),
        **{f"validation_recall_{label}": value for label, value in result.per_label.items()},
    }


def with_training(recipe: Recipe, *, seed: int | None, epochs: int | None, copies: int | None) -> Recipe:
    """``recipe`` with these numbers instead of its own."""
    training = dataclasses.replace(
        recipe.training,
        seed=recipe.training.seed if seed is None else seed,
        network_seeds=recipe.training.network_seeds if seed is None else (seed,),
        epochs=recipe.training.epochs if epochs is None else epochs,
    )
    augment = recipe.augment
    if copies is not None:
        augment = dataclasses.replace(augment, copies=copies)
    return dataclasses.replace(recipe, training=training, augment=augment)
