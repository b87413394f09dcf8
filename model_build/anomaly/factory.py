"""From normal sound to a bundle: read, train, export, prove, choose the threshold, judge, pack."""

import dataclasses
import hashlib
import importlib.metadata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from contract.audio import RATE_HZ
from contract.manifest import DataSet
from model_build import parity
from model_build.anomaly.bundle import make_anomaly_bundle
from model_build.anomaly.export import PARITY_LIMIT, check_parity, export_anomaly, residuals
from model_build.anomaly.listening import Heard, spreads_of
from model_build.anomaly.measure import AnomalyScore, Rule, judge
from model_build.anomaly.network import Standard
from model_build.anomaly.recipe import AnomalyRecipe
from model_build.anomaly.recordings import Takes, find_recordings, load_takes, require_enough
from model_build.anomaly.scoring import fit_scoring
from model_build.anomaly.threshold import choose_threshold
from model_build.anomaly.training import train
from model_build.dataset import TESTING, TRAINING, VALIDATION, Progress
from model_build.examples import whole_steps
from model_build.export import export_frontend
from model_build.parity_report import frontend_part, streamed_part
from model_build.runtime import Classifier, Frontend
from model_build.shape import STEP_FRAMES
from model_build.work import WorkFolder

_CALIBRATION_EXCERPTS = 100

Features = NDArray[np.int8]
"""(T, MEL_BINS) of one recording"""


@dataclass(frozen=True, slots=True, kw_only=True)
class AnomalyBuilt:
    """A bundle and how it came about."""

    content: bytes
    score: AnomalyScore
    broken: tuple[str, ...]
    """One sentence for each file that was skipped."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Fitted:
    classifier: bytes
    parity: float
    """Difference of int8 from float; see ``check_parity``."""
    threshold: float


def build(
    recipe: AnomalyRecipe,
    folder: Path,
    progress: Progress,
    *,
    work: Path | None = None,
    limit: int | None = None,
) -> AnomalyBuilt:
    """The bundle that ``recipe`` makes of ``folder``; ``ModelBuildError`` if that cannot be trained on.

    What ``work`` holds of the same recipe and recordings is not done again. ``limit`` is the most recordings
    of each kind and split.
    """
    takes = load_takes(find_recordings(folder, recipe.normal), progress, limit)
    require_enough(takes)
    kept = WorkFolder.open(work, _key(recipe, takes)) if work is not None else None
    preprocess = export_frontend(recipe.frontend)
    worst_db = parity.check_frontend(Frontend(preprocess), recipe.frontend)
    features = _features(preprocess, takes, progress)
    of_split = {split: _normal(takes, features, split) for split in (TRAINING, VALIDATION)}
    fitted = _fit(recipe, of_split[TRAINING], of_split[VALIDATION], kept, progress)
    rule = Rule.of(recipe.decision, fitted.threshold)
    score = judge(_hear(fitted.classifier, takes, features), rule)
    learned = takes.normal(TRAINING)
    content = make_anomaly_bundle(
        recipe,
        preprocess,
        fitted.classifier,
        typical=takes.normal(VALIDATION)[0].pcm,
        rule=rule,
        metrics={
            **score.metrics(),
            "training_recordings": float(len(learned)),
            "training_seconds": sum(take.pcm.size for take in learned) / RATE_HZ,
            "parity_nrmse": fitted.parity,
            "parity_frontend_db": worst_db,
        },
        datasets=[_data_set(recipe, folder, len(learned))],
        proof={
            "frontend": frontend_part(Frontend(preprocess), recipe.frontend),
            "scores": {"nrmse": round(fitted.parity, 6), "nrmse_most": PARITY_LIMIT},
            "streamed": streamed_part(Classifier(fitted.classifier), of_split[VALIDATION][0]),
        },
    )
    return AnomalyBuilt(content=content, score=score, broken=takes.broken)


def _fit(
    recipe: AnomalyRecipe,
    learned: Sequence[Features],
    held_out: Sequence[Features],
    work: WorkFolder | None,
    progress: Progress,
) -> _Fitted:
    """Train, export, prove that the export streams and says the same, choose the threshold."""
    standard = Standard.of(learned)
    network = train(recipe, standard, learned, work, progress)
    window = recipe.network.window_steps
    floats = residuals(network, standard, held_out)
    scoring = fit_scoring(residuals(network, standard, learned), floats, window)
    excerpts = _excerpts(learned, recipe.training.excerpt_steps * STEP_FRAMES)
    content = export_anomaly(network, standard, scoring, excerpts)
    classifier = Classifier(content)
    parity.check_streaming(classifier, held_out[0])
    apart = check_parity(classifier, scoring, floats, held_out)
    spreads = [spreads_of(classifier.clip(frames, STEP_FRAMES)) for frames in held_out]
    threshold = choose_threshold(spreads, window, recipe.decision.false_alarms_per_h)
    return _Fitted(classifier=content, parity=apart, threshold=threshold)


def _features(preprocess: bytes, takes: Takes, progress: Progress) -> list[Features]:
    frontend, found = Frontend(preprocess), []
    for index, take in enumerate(takes.takes):
        found.append(frontend.features(whole_steps(take.pcm)))
        progress("listening", index + 1, len(takes.takes))
    return found


def _normal(takes: Takes, features: Sequence[Features], split: str) -> list[Features]:
    chosen = takes.normal(split)
    return [frames for take, frames in zip(takes.takes, features, strict=True) if take in chosen]


def _hear(content: bytes, takes: Takes, features: Sequence[Features]) -> list[Heard]:
    """What the model says of held-out normal sound and of anomalies."""
    classifier = Classifier(content)
    return [
        Heard(kind=take.recording.kind, posteriors=classifier.clip(frames, STEP_FRAMES))
        for take, frames in zip(takes.takes, features, strict=True)
        if take.recording.split == TESTING
    ]


def _excerpts(recordings: Sequence[Features], frames: int) -> list[Features]:
    """The beginnings of some recordings, spread evenly; a short one is repeated."""
    places = np.unique(np.linspace(0, len(recordings) - 1, _CALIBRATION_EXCERPTS).astype(int))
    return [np.resize(recordings[place], (frames, recordings[place].shape[1])) for place in places]


def _key(recipe: AnomalyRecipe, takes: Takes) -> Mapping[str, Any]:
    """All that a training depends on."""
    content = hashlib.sha256()
    for take in takes.normal(TRAINING):
        content.update(take.pcm.tobytes())
    return {
        # How scores are judged does not change what is learned.
        "recipe": {
            part: dataclasses.asdict(getattr(recipe, part)) for part in ("frontend", "network", "training")
        },
        "recordings": content.hexdigest(),
        "versions": {name: importlib.metadata.version(name) for name in ("soundpost", "numpy")},
    }


def _data_set(recipe: AnomalyRecipe, folder: Path, clips: int) -> DataSet:
    if recipe.normal:
        from model_build import esc50

        corpus = esc50.find(folder)
        return DataSet(name=corpus.name, licence=corpus.licence, source=corpus.source, clips=clips)
    name = folder.resolve().name[:100] or "recordings"
    return DataSet(name=name, licence="not stated", source="recordings of one's own", clips=clips)
