"""How well anomalies are told from normal sound that nothing was learned from or chosen on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from contract.bundle import Bundle
from contract.detector import Detector
from contract.manifest import ANOMALY, ANOMALY_LABELS, CLASSIFIER, PREPROCESS, Manifest
from model_build.anomaly.auc import Auc, area_under_curve
from model_build.anomaly.listening import Heard, hear, score_of
from model_build.anomaly.recipe import STEP_S, DecisionRecipe
from model_build.anomaly.recordings import NORMAL, find_recordings, load_takes
from model_build.dataset import TESTING, Progress
from model_build.errors import DatasetError
from model_build.runtime import Classifier, Frontend

CLIP_S = 10.0
"""Recordings are cut into clips of this length; a clip counts by its highest score."""
_BINS = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """How scores become detections; see ``contract.detector``."""

    threshold: float
    smoothing_s: float
    refractory_s: float

    @classmethod
    def of(cls, recipe: DecisionRecipe, threshold: float) -> "Rule":
        """That of a recipe."""
        return cls(threshold=threshold, smoothing_s=recipe.smoothing_s, refractory_s=recipe.refractory_s)

    @classmethod
    def in_manifest(cls, manifest: Manifest) -> "Rule":
        """That of a bundle."""
        return cls(
            threshold=manifest.thresholds[ANOMALY],
            smoothing_s=manifest.smoothing_s,
            refractory_s=manifest.refractory_s,
        )

    @property
    def thresholds(self) -> dict[str, float]:
        """As a manifest has them."""
        return {ANOMALY: self.threshold}


@dataclass(frozen=True, slots=True, kw_only=True)
class AnomalyScore:
    """What was measured."""

    auc: Auc | None
    """All anomalies against normal sound; none without anomalies."""
    per_kind: Mapping[str, Auc]
    detected: Mapping[str, float]
    """Part of each kind's recordings in which the node would have reported something."""
    false_alarms: int
    normal_hours: float
    """Of the normal sound that the false alarms were counted in."""
    threshold: float
    histogram: Mapping[str, tuple[int, ...]]
    """Clips of ``normal`` and ``anomaly`` by their highest score, in tenths."""

    @property
    def false_alarms_per_h(self) -> float:
        """Of normal sound."""
        return self.false_alarms / self.normal_hours

    def to_plain(self) -> dict[str, Any]:
        """As JSON knows it."""
        return {
            "kind": ANOMALY,
            "auc": self.auc.value if self.auc else None,
            "auc_interval": list(self.auc.interval) if self.auc else None,
            "auc_per_kind": {kind: one.value for kind, one in self.per_kind.items()},
            "auc_interval_per_kind": {kind: list(one.interval) for kind, one in self.per_kind.items()},
            "detected": dict(self.detected),
            "false_alarms": self.false_alarms,
            "false_alarms_per_h": self.false_alarms_per_h,
            "normal_hours": self.normal_hours,
            "threshold": self.threshold,
            "score_histogram": {name: list(counts) for name, counts in self.histogram.items()},
        }

    def metrics(self) -> dict[str, float]:
        """For the manifest."""
        figures = {
            "heldout_normal_hours": self.normal_hours,
            "heldout_false_alarms": float(self.false_alarms),
        }
        if self.auc is not None:
            low, high = self.auc.interval
            figures |= {"heldout_auc": self.auc.value, "heldout_auc_low": low, "heldout_auc_high": high}
        return figures | {f"heldout_auc_{kind}": one.value for kind, one in self.per_kind.items()}

    def sentences(self) -> list[str]:
        """For people."""
        said = []
        if self.auc is not None:
            low, high = self.auc.interval
            said.append(f"AUC {self.auc.value:.3f} (95 % interval {low:.3f} to {high:.3f})")
            said += [
                f"  {kind}: AUC {one.value:.3f}, {self.detected[kind]:.0%} of the recordings detected"
                for kind, one in self.per_kind.items()
            ]
        else:
            said.append("no anomalies to measure on: put some into anomalous/")
        hours = f"{self.normal_hours:.2g} h of held-out normal sound"
        return [*said, f"{self.false_alarms} false alarms in {hours} at threshold {self.threshold:g}"]


def measure(
    bundle: Bundle,
    folder: Path,
    progress: Progress,
    *,
    split: str | None = None,
    normal: Sequence[str] = (),
    limit: int | None = None,
) -> tuple[AnomalyScore, tuple[str, ...]]:
    """The bundle's figures on the recordings in ``folder``, and which files were skipped.

    ``split`` is that of the normal sound, ``testing`` if it is none, or ``all``; anomalies are all heard.
    ``normal`` categories mean the layout of ESC-50; see ``find_recordings``.
    """
    wanted = split or TESTING
    recordings = [
        recording
        for recording in find_recordings(folder, normal)
        if recording.kind != NORMAL or wanted in (recording.split, "all")
    ]
    takes = load_takes(recordings, progress, limit)
    if not any(take.recording.kind == NORMAL for take in takes.takes):
        raise DatasetError(f"{folder}: no normal recording of {wanted!r} could be read; try --split all")
    models = Frontend(bundle.files[PREPROCESS]), Classifier(bundle.files[CLASSIFIER])
    heard = []
    for index, take in enumerate(takes.takes):
        heard.append(hear(*models, take.recording.kind, take.pcm))
        progress("listening", index + 1, len(takes.takes))
    return judge(heard, Rule.in_manifest(bundle.manifest)), takes.broken


def judge(heard: Sequence[Heard], rule: Rule) -> AnomalyScore:
    """The figures of what was ``heard``: held-out normal sound, and anomalies if there are any."""
    clips = [(one.kind, *_clip_peaks(one, index)) for index, one in enumerate(heard)]
    peaks = {kind: np.concatenate([p for k, p, _ in clips if k == kind]) for kind in _kinds(heard)}
    files = {kind: np.concatenate([f for k, _, f in clips if k == kind]) for kind in peaks}
    anomalies = [kind for kind in peaks if kind != NORMAL]
    normal = peaks[NORMAL], files[NORMAL]
    alarms = {kind: [_alarms(one, rule) for one in heard if one.kind == kind] for kind in peaks}
    return AnomalyScore(
        auc=area_under_curve(normal, (_joined(peaks, anomalies), _joined(files, anomalies)))
        if anomalies
        else None,
        per_kind={kind: area_under_curve(normal, (peaks[kind], files[kind])) for kind in anomalies},
        detected={kind: float(np.mean([count > 0 for count in alarms[kind]])) for kind in anomalies},
        false_alarms=sum(alarms[NORMAL]),
        normal_hours=sum(one.seconds for one in heard if one.kind == NORMAL) / 3600,
        threshold=rule.threshold,
        histogram={
            NORMAL: _histogram(peaks[NORMAL]),
            ANOMALY: _histogram(_joined(peaks, anomalies) if anomalies else np.empty(0)),
        },
    )


def _kinds(heard: Sequence[Heard]) -> list[str]:
    return sorted({one.kind for one in heard}, key=lambda kind: (kind != NORMAL, kind))


def _clip_peaks(heard: Heard, source: int) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Highest score of each clip of a recording, in spreads, and the recording's number with each."""
    steps = round(CLIP_S / STEP_S)
    count = max(1, round(len(heard.posteriors) / steps))
    parts = np.array_split(heard.spreads, count)
    return np.array([part.max() for part in parts]), np.full(count, source)


def _alarms(heard: Heard, rule: Rule) -> int:
    """Detections that a node would have reported."""
    detector = Detector(
        ANOMALY_LABELS,
        rule.thresholds,
        smoothing_s=rule.smoothing_s,
        refractory_s=rule.refractory_s,
        step_s=STEP_S,
    )
    count = sum(len(detector.feed(row)) for row in heard.posteriors.tolist())
    return count + len(detector.finish())


def _joined(parts: Mapping[str, NDArray[Any]], kinds: Sequence[str]) -> NDArray[Any]:
    return np.concatenate([parts[kind] for kind in kinds])


def _histogram(peaks: NDArray[np.float64]) -> tuple[int, ...]:
    scores = [score_of(value) for value in peaks]
    counts, _ = np.histogram(scores, bins=_BINS, range=(0.0, 1.0))
    return tuple(int(count) for count in counts)
