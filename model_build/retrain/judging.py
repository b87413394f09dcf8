"""A bundle on everything that was held back, heard as a node hears it: the figures that a gate compares.

Windows are judged by the node's detector: what it reports of a window is what the node says of it. Clips of
the base are judged by the bundle's clip rule, which knows labels that are never detected.
"""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from contract.audio import RATE_HZ
from contract.bundle import Bundle
from contract.detector import Found
from contract.manifest import CLASSIFIER, PREPROCESS
from model_build.dataset import Progress
from model_build.errors import SnapshotError
from model_build.report.nothing import NOTHING_S, NOTHINGS, nothings
from model_build.report.rules import Rules
from model_build.retrain.base import Base
from model_build.retrain.crosscheck import cross_check
from model_build.retrain.hearing import base_clips, hear_clips, whole_step_frames, with_time_to_report
from model_build.retrain.snapshot import SPLITS, TRAINING, Snapshot
from model_build.runtime import Classifier, Frontend
from model_build.shape import STEP_FRAMES
from model_build.sweep import STEP_S

SCHEMA = 1
_TIMED_S = 30
_SILENCE = "digital silence"


def judge(bundle: Bundle, path: Path, base: Base, snapshot: Snapshot, progress: Progress) -> dict[str, Any]:
    """All figures of ``bundle``, which lies at ``path``; ``SnapshotError`` if it hears other frames."""
    manifest = bundle.manifest
    for digest, what in (
        (base.frontend_digest, "the base's"),
        (snapshot.head.frontend_digest, "the windows'"),
    ):
        if manifest.frontend_digest != digest:
            raise SnapshotError(
                f"{manifest.model} hears through front end {manifest.frontend_digest[:12]}, {what} is"
                f" {digest[:12]}: their frames mean different things"
            )
    judging = _Judging(bundle, progress)
    return {
        "schema": SCHEMA,
        "bundle_digest": bundle.digest,
        "labels": list(manifest.labels),
        "size_bytes": path.stat().st_size,
        "cost_ms_per_s": judging.cost_ms_per_s(),
        "parity": {name: value for name, value in manifest.metrics.items() if name.startswith("parity_")},
        "windows": judging.windows(snapshot),
        "reviews": judging.reviews(base, snapshot),
        "base": judging.base(base),
        "streams": judging.streams(base),
        "nothing": judging.nothing(),
    }


class _Judging:
    def __init__(self, bundle: Bundle, progress: Progress) -> None:
        self._rules, self._progress = Rules.of(bundle.manifest), progress
        self._frontend = Frontend(bundle.files[PREPROCESS])
        self._classifier = Classifier(bundle.files[CLASSIFIER])

    def windows(self, snapshot: Snapshot) -> list[dict[str, Any]]:
        """What is said of each window that was not learned from."""
        held_back = np.flatnonzero(snapshot.split != TRAINING).tolist()
        figures = []
        for count, index in enumerate(held_back):
            frames = whole_step_frames(with_time_to_report(snapshot.window(index)))
            posteriors = self._classifier.clip(frames, STEP_FRAMES)
            found = self._rules.detections(posteriors)
            figures.append({
                "window_id": int(snapshot.window_id[index]),
                "split": SPLITS[int(snapshot.split[index])],
                "truth": snapshot.name(index),
                **_strongest(found),
            })  # fmt: skip
            self._progress("judging windows", count + 1, len(held_back))
        return figures

    def reviews(self, base: Base, snapshot: Snapshot) -> list[dict[str, Any]]:
        """What all other reviews say of each one; the bundle is not asked."""
        self._progress("comparing the reviews", 0, 1)
        checked = cross_check(base, snapshot)
        self._progress("comparing the reviews", 1, 1)
        return [
            {
                "window_id": int(snapshot.window_id[index]),
                "split": SPLITS[int(snapshot.split[index])],
                "truth": snapshot.name(index),
                "others": one.others,
                "doubt": round(one.doubt, 6),
            }
            for index, one in checked.items()
        ]

    def base(self, base: Base) -> list[dict[str, Any]]:
        """What is said of each validation clip of the base."""
        figures = []
        clips = base_clips(base)
        for index, clip in enumerate(clips):
            [heard] = hear_clips(self._classifier, [clip])
            row = self._rules.clip_posteriors(heard)
            best = int(np.argmax(row))
            figures.append({
                "clip": index,
                "truth": heard.label,
                "said": self._rules.labels[best],
                "posterior": round(row[best], 6),
                "detected": _strongest(self._rules.detections(heard.posteriors))["said"],
            })  # fmt: skip
            self._progress("judging clips", index + 1, len(clips))
        return figures

    def streams(self, base: Base) -> dict[str, Any]:
        """What is detected where there is no target."""
        at_s: list[float] = []
        steps = 0
        streams = base.streams.each(varied=False)
        for count, (_, frames) in enumerate(streams):
            posteriors = self._classifier.clip(frames, STEP_FRAMES)
            at_s += [
                round((steps + found.start_step) * STEP_S, 2) for found in self._rules.detections(posteriors)
            ]
            steps += len(posteriors)
            self._progress("judging streams", count + 1, len(streams))
        return {"hours": steps * STEP_S / 3600, "false_alarms": len(at_s), "at_s": at_s}

    def nothing(self) -> dict[str, Any]:
        """What is detected in silence and in noise that means nothing."""
        counts = {"silence_detections": 0, "noise_detections": 0}
        seconds = 0
        for count, (name, pcm) in enumerate(nothings()):
            posteriors = self._classifier.clip(self._frontend.features(pcm), STEP_FRAMES)
            key = "silence_detections" if name == _SILENCE else "noise_detections"
            counts[key] += len(self._rules.detections(posteriors))
            seconds += NOTHING_S
            self._progress("judging silence and noise", count + 1, NOTHINGS)
        return {**counts, "hours": seconds / 3600}

    def cost_ms_per_s(self) -> float:
        """Processor time for a second of sound, front end and classifier, on this machine now."""
        pcm = (np.random.default_rng(0).normal(size=_TIMED_S * RATE_HZ) * 1000).astype(np.int16)
        started_s = time.process_time()
        self._classifier.clip(self._frontend.features(pcm), STEP_FRAMES)
        return round(1000 * (time.process_time() - started_s) / _TIMED_S, 3)


def _strongest(found: Sequence[Found]) -> dict[str, Any]:
    """The surest detection of several; nothing said if there is none."""
    best = max(found, key=lambda one: one.posterior, default=None)
    if best is None:
        return {"said": None, "posterior": 0.0}
    return {"said": best.label, "posterior": round(best.posterior, 6)}
