"""``edge-agent benchmark``: CPU time per second of sound, per stage, and memory; which bundle is faster."""

import json
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from contract.audio import HOP_SAMPLES, RATE_HZ
from edge_agent import memory
from edge_agent.bundles import LoadedBundle, load_bundle
from edge_agent.classifier import Classifier
from edge_agent.frontend import FrontEnd
from edge_agent.health import rss_bytes
from edge_agent.interpreter import runtime_name
from edge_agent.made_up_sound import made_up_sound
from edge_agent.pipeline import Pipeline, Tuning, make_detector

ROUNDS: Final = 5
TOTAL: Final = "total_ms_per_s"
BLOCK_SAMPLES: Final = 1280
"""Sound is fed in the blocks in which a live source gives it."""


def benchmark(paths: Sequence[Path], version: str, *, seconds: float, as_json: bool) -> int:
    """Measure and print; the exit code."""
    memory.one_arena()
    bundles = [load_bundle(path, version) for path in paths]
    if len(bundles) == 1:
        figures = measure(bundles[0], seconds)
        print(json.dumps(figures) if as_json else "\n".join(_table([figures])))  # noqa: T201
        return 0
    comparison = compare(dict(zip(map(str, paths), bundles, strict=True)), seconds)
    print(json.dumps(comparison) if as_json else "\n".join(_lines(comparison)))  # noqa: T201
    return 0


def measure(bundle: LoadedBundle, seconds: float) -> dict[str, Any]:
    """Medians of some rounds; CPU figures in milliseconds per second of sound."""
    subject = _Subject(bundle, made_up_sound(seconds))
    memory.give_back()
    rounds = [subject.round() for _ in range(ROUNDS)]
    return {**_figures(subject, rounds, seconds), "rss_mb": rss_bytes() / 1e6}


def compare(bundles: Mapping[str, LoadedBundle], seconds: float) -> dict[str, Any]:
    """The figures of each bundle, and which takes least CPU time in all.

    ``ratio`` is its time as part of each bundle's: the median of rounds in which all take turns, so that
    whatever else the machine does meets all alike.
    """
    sound = made_up_sound(seconds)
    subjects = {name: _Subject(bundle, sound) for name, bundle in bundles.items()}
    rounds: dict[str, list[dict[str, float]]] = {name: [] for name in subjects}
    for _ in range(ROUNDS):
        for name, subject in subjects.items():
            rounds[name].append(subject.round())
    totals = {name: [figures[TOTAL] for figures in rounds[name]] for name in subjects}
    fastest = min(totals, key=lambda name: statistics.median(totals[name]))
    return {
        "bundles": [
            {
                "bundle": name,
                **_figures(subject, rounds[name], seconds),
                "ratio": statistics.median(a / b for a, b in zip(totals[fastest], totals[name], strict=True)),
            }
            for name, subject in subjects.items()
        ],
        "fastest": fastest,
        "rss_mb": rss_bytes() / 1e6,
    }


def _figures(
    subject: "_Subject", rounds: Sequence[Mapping[str, float]], seconds: float
) -> dict[str, str | float]:
    manifest = subject.bundle.manifest
    return {
        "model": manifest.model,
        "quantization": manifest.quantization,
        "runtime": runtime_name(),
        "seconds": float(seconds),
        **{name: statistics.median(figures[name] for figures in rounds) for name in rounds[0]},
        "idle_cpu_percent": idle_percent(subject.pipeline, made_up_sound(min(seconds, 20.0))),
    }


def _lines(comparison: Mapping[str, Any]) -> list[str]:
    fastest, bundles = comparison["fastest"], comparison["bundles"]
    others = [
        f"{fastest} is the fastest on this machine: {figures['ratio']:.2f} of the CPU time of"
        f" {figures['bundle']}"
        for figures in bundles
        if figures["bundle"] != fastest
    ]
    return [*_table(bundles), *others]


def _table(columns: Sequence[Mapping[str, Any]]) -> list[str]:
    """A line for each figure, with a column for each bundle."""
    rows = [[_shown(figures[name]) for figures in columns] for name in columns[0]]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        f"{name:24} " + "  ".join(map(str.ljust, row, widths)).rstrip()
        for name, row in zip(columns[0], rows, strict=True)
    ]


def _shown(value: str | float) -> str:
    return value if isinstance(value, str) else f"{value:.3f}"


def feed(pipeline: Pipeline, sound: NDArray[np.int16]) -> None:
    """All of it, block by block."""
    for start in range(0, len(sound), BLOCK_SAMPLES):
        pipeline.feed(sound[start : start + BLOCK_SAMPLES], start / RATE_HZ)


class _Subject:
    """A bundle, ready to be measured round by round."""

    def __init__(self, bundle: LoadedBundle, sound: NDArray[np.int16]) -> None:
        self.bundle, self._sound = bundle, sound
        self.pipeline = Pipeline(bundle, Tuning(thresholds={}))
        self._front_end = FrontEnd(bundle.preprocess)
        self._classifier = Classifier(
            bundle.classifier, bundle.manifest.step_frames, self.pipeline.run_frames
        )
        self._hops = sound[: len(sound) // HOP_SAMPLES * HOP_SAMPLES].reshape(-1, HOP_SAMPLES)
        self._frames = self._front_end.feed(self._hops)
        self._posteriors = self._classifier.feed(self._frames)

    def round(self) -> dict[str, float]:
        """Each stage by itself, and all together: CPU milliseconds per second of sound."""
        seconds = len(self._sound) / RATE_HZ
        return {
            "preprocess_ms_per_s": _cpu_ms(lambda: self._front_end.feed(self._hops)) / seconds,
            "classify_ms_per_s": _cpu_ms(lambda: self._classifier.feed(self._frames)) / seconds,
            "detect_ms_per_s": _cpu_ms(self._detect) / seconds,
            TOTAL: _cpu_ms(lambda: feed(self.pipeline, self._sound)) / seconds,
        }

    def _detect(self) -> None:
        detector = make_detector(self.bundle.manifest, Tuning(thresholds={}))
        for row in self._posteriors:
            detector.feed(row.tolist())


def idle_percent(pipeline: Pipeline, sound: NDArray[np.int16]) -> float:
    """CPU share of one core when sound comes at live pace."""
    pipeline.reset()
    cpu_s, begun_s = time.process_time(), time.monotonic()
    for start in range(0, len(sound), BLOCK_SAMPLES):
        end = start + BLOCK_SAMPLES
        time.sleep(max(0.0, begun_s + end / RATE_HZ - time.monotonic()))
        pipeline.feed(sound[start:end], end / RATE_HZ)
    return 100 * (time.process_time() - cpu_s) / (time.monotonic() - begun_s)


def _cpu_ms(work: Callable[[], object]) -> float:
    begun_s = time.process_time()
    work()
    return (time.process_time() - begun_s) * 1000
