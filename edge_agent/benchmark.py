"""``edge-agent benchmark``: CPU time per second of sound, per stage, and memory, on this machine."""

import json
import math
import statistics
import time
from collections.abc import Callable
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
from edge_agent.pipeline import Pipeline, Tuning, make_detector

ROUNDS: Final = 5
BLOCK_SAMPLES: Final = 1280
"""Sound is fed in the blocks in which a live source gives it."""


def benchmark(path: Path, version: str, *, seconds: float, as_json: bool) -> int:
    """Measure and print; the exit code."""
    memory.one_arena()
    figures = measure(load_bundle(path, version), seconds)
    if as_json:
        print(json.dumps(figures))  # noqa: T201
        return 0
    for name, value in figures.items():
        print(f"{name:24} {value:.3f}" if isinstance(value, float) else f"{name:24} {value}")  # noqa: T201
    return 0


def measure(bundle: LoadedBundle, seconds: float) -> dict[str, Any]:
    """Medians of some rounds; CPU figures in milliseconds per second of sound."""
    sound = made_up_sound(seconds)
    memory.give_back()
    stages = stage_ms(bundle, sound)
    pipeline = Pipeline(bundle, Tuning(thresholds={}))
    total = _median_ms(lambda: feed(pipeline, sound), pipeline.reset, seconds)
    idle = idle_percent(pipeline, made_up_sound(min(seconds, 20.0)))
    return {
        "model": bundle.manifest.model,
        "runtime": runtime_name(),
        "seconds": float(seconds),
        "preprocess_ms_per_s": stages["preprocess"],
        "classify_ms_per_s": stages["classify"],
        "detect_ms_per_s": stages["detect"],
        "total_ms_per_s": total,
        "idle_cpu_percent": idle,
        "rss_mb": rss_bytes() / 1e6,
    }


def made_up_sound(seconds: float) -> NDArray[np.int16]:
    """Noise with a tone now and then, so that kernels that skip zeros have none to skip; (n,) int16."""
    # Noise enough for this, without numpy.random, whose memory would count as the agent's.
    counts = np.arange(RATE_HZ)
    noise = (np.sin(counts * 12.9898) * 43758.5453) % 1 - 0.5
    tone = 4000 * np.sin(2 * np.pi * 440 / RATE_HZ * counts) * (counts < RATE_HZ // 2)
    parts = [(tone + 2000 * np.roll(noise, 997 * n)).astype(np.int16) for n in range(math.ceil(seconds))]
    sound: NDArray[np.int16] = np.concatenate(parts)[: round(seconds * RATE_HZ)]
    return sound


def feed(pipeline: Pipeline, sound: NDArray[np.int16]) -> None:
    """All of it, block by block."""
    for start in range(0, len(sound), BLOCK_SAMPLES):
        pipeline.feed(sound[start : start + BLOCK_SAMPLES], start / RATE_HZ)


def stage_ms(bundle: LoadedBundle, sound: NDArray[np.int16]) -> dict[str, float]:
    """Each stage by itself."""
    seconds = len(sound) / RATE_HZ
    hops = sound[: len(sound) // HOP_SAMPLES * HOP_SAMPLES].reshape(-1, HOP_SAMPLES)
    front_end = FrontEnd(bundle.preprocess)
    classifier = Classifier(bundle.classifier, bundle.manifest.step_frames)
    frames = front_end.feed(hops)
    posteriors = classifier.feed(frames)

    def detect() -> None:
        detector = make_detector(bundle.manifest, Tuning(thresholds={}))
        for row in posteriors:
            detector.feed(row.tolist())

    return {
        "preprocess": _median_ms(lambda: front_end.feed(hops), front_end.reset, seconds),
        "classify": _median_ms(lambda: classifier.feed(frames), classifier.reset, seconds),
        "detect": _median_ms(detect, lambda: None, seconds),
    }


def idle_percent(pipeline: Pipeline, sound: NDArray[np.int16]) -> float:
    """CPU share of one core when sound comes at live pace."""
    pipeline.reset()
    cpu_s, begun_s = time.process_time(), time.monotonic()
    for start in range(0, len(sound), BLOCK_SAMPLES):
        end = start + BLOCK_SAMPLES
        time.sleep(max(0.0, begun_s + end / RATE_HZ - time.monotonic()))
        pipeline.feed(sound[start:end], end / RATE_HZ)
    return 100 * (time.process_time() - cpu_s) / (time.monotonic() - begun_s)


def _median_ms(work: Callable[[], object], reset: Callable[[], None], seconds: float) -> float:
    figures = []
    for _ in range(ROUNDS):
        reset()
        begun_s = time.process_time()
        work()
        figures.append((time.process_time() - begun_s) * 1000 / seconds)
    return statistics.median(figures)
