"""``edge-agent replay``: files through exactly the live pipeline, each as a stream of its own."""

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from contract.audio import RATE_HZ
from contract.clip import decide_clip
from contract.detector import Found
from contract.manifest import ANOMALY, Manifest
from edge_agent.bundles import LoadedBundle
from edge_agent.capture import decode, sound_files
from edge_agent.errors import CaptureError
from edge_agent.pipeline import Pipeline, Step, Tuning


@dataclass(slots=True)
class _Heard:
    posteriors: list[list[float]] = field(default_factory=list)
    levels_db: list[float] = field(default_factory=list)
    found: list[Found] = field(default_factory=list)
    samples: int = 0

    def add(self, steps: Sequence[Step]) -> None:
        for step in steps:
            self.posteriors.append(step.posteriors.tolist())
            self.levels_db.append(step.level_dbfs)
            self.found.extend(step.found)


def replay(bundle: LoadedBundle, tuning: Tuning, paths: Sequence[Path], *, as_json: bool) -> int:
    """Print what is heard in each file; the exit code, 1 if any of them was not whole."""
    pipeline = Pipeline(bundle, tuning)
    failed = False
    for path, problem in _expand(paths):
        result: dict[str, Any] = {"file": str(path)}
        try:
            if problem is not None:
                raise problem
            _hear(pipeline, bundle, path, result)
        except CaptureError as error:
            failed = True
            result["error"] = str(error)
            print(f"edge-agent: {error}", file=sys.stderr)  # noqa: T201
        print(json.dumps(result, ensure_ascii=False) if as_json else _line(result), flush=True)  # noqa: T201
    return 1 if failed else 0


def _expand(paths: Sequence[Path]) -> Iterator[tuple[Path, CaptureError | None]]:
    for path in paths:
        try:
            yield from ((file, None) for file in sound_files(path))
        except CaptureError as error:
            yield path, error


def _hear(pipeline: Pipeline, bundle: LoadedBundle, path: Path, result: dict[str, Any]) -> None:
    """Fill ``result``; a ``CaptureError`` is raised after as much as could be read has been judged."""
    pipeline.reset()
    heard = _Heard()
    damage = None
    try:
        for piece in decode(path):
            heard.samples += len(piece)
            heard.add(pipeline.feed(piece, heard.samples / RATE_HZ))
    except CaptureError as error:
        damage = error
    heard.add(pipeline.flush(heard.samples / RATE_HZ))
    heard.found.extend(pipeline.finish())
    if heard.posteriors:
        result.update(_judge(heard, pipeline, bundle))
    if damage is not None:
        raise damage


def _judge(heard: _Heard, pipeline: Pipeline, bundle: LoadedBundle) -> dict[str, Any]:
    length_s = heard.samples / RATE_HZ
    detections = [
        {
            "label": found.label,
            "posterior": round(found.posterior, 4),
            "start_s": round(found.start_step * pipeline.step_s, 3),
            "end_s": round(min(length_s, (found.end_step + 1) * pipeline.step_s), 3),
        }
        for found in heard.found
    ]
    return {**_decide(heard, bundle.manifest, pipeline.thresholds), "detections": detections}


def _decide(heard: _Heard, manifest: Manifest, thresholds: Mapping[str, float]) -> dict[str, Any]:
    """The clip's label by the bundle's rule; of an anomaly model the highest score beside the threshold."""
    if manifest.kind == ANOMALY:
        normal, anomaly = manifest.labels
        score = max(row[1] for row in heard.posteriors)
        label, posterior = (anomaly, score) if heard.found else (normal, 1 - score)
        said = {"label": label, "posterior": round(posterior, 4)}
        return {**said, "score": round(score, 4), "threshold": thresholds[anomaly]}
    index, posterior = decide_clip(
        heard.posteriors, heard.levels_db, rule=manifest.clip_rule, gate_db=manifest.clip_gate_db
    )
    return {"label": manifest.labels[index], "posterior": round(posterior, 4)}


def _line(result: dict[str, Any]) -> str:
    if "label" not in result:
        return f"{result['file']}: {result['error']}"
    found = ", ".join(
        f"{d['label']} {d['posterior']:.2f} at {d['start_s']:.1f} s" for d in result["detections"]
    )
    said = f"{result['file']}: {result['label']}"
    if "score" in result:
        said += f", score {result['score']:.2f}, threshold {result['threshold']:.2f}"
    else:
        said += f" {result['posterior']:.2f}"
    return f"{said} ({found or 'no detections'})"
