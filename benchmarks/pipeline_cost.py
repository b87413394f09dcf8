"""CPU per second of sound and memory: our whole pipeline beside pymicro-wakeword, in one run.

Each figure comes from a process of its own, ours and theirs in turn, so that a machine that is busy for a
while is busy for both. Both are fed the same sound in the same blocks. Run with the dev extra installed::

    python benchmarks/pipeline_cost.py --bundle models/keywords.bundle [--json]
"""

import argparse
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

BLOCK_SAMPLES = 1280
SIDES = ("ours", "theirs")


def main() -> int:
    """Compare; exit code 1 if ours costs more."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--bundle", type=Path, default=Path("models/keywords.bundle"))
    parser.add_argument("--seconds", type=float, default=30.0, help="length of the sound (default: 30)")
    parser.add_argument("--rounds", type=int, default=5, help="processes per side (default: 5)")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--only", choices=SIDES, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.only:
        print(json.dumps(measure(options.only, options.bundle, options.seconds)))
        return 0
    figures = compare(options.bundle, options.seconds, options.rounds)
    if options.json:
        print(json.dumps(figures))
    else:
        for name, value in figures.items():
            print(f"{name:28} {value:.3f}")
    return 0 if figures["ratio"] <= 1 else 1


def compare(bundle: Path, seconds: float, rounds: int) -> dict[str, float]:
    """Medians over the rounds, and ours divided by theirs."""
    found: dict[str, list[dict[str, float]]] = {side: [] for side in SIDES}
    for _ in range(rounds):
        for side in SIDES:
            found[side].append(child(side, bundle, seconds))

    def median(side: str, name: str) -> float:
        return statistics.median(figures[name] for figures in found[side])

    figures = {f"{side}_{name}": median(side, name) for side in SIDES for name in ("cpu_ms_per_s", "rss_mb")}
    figures["ours_idle_cpu_percent"] = median("ours", "idle_cpu_percent")
    figures["ratio"] = statistics.median(
        ours["cpu_ms_per_s"] / theirs["cpu_ms_per_s"]
        for ours, theirs in zip(found["ours"], found["theirs"], strict=True)
    )
    return figures


def child(side: str, bundle: Path, seconds: float) -> dict[str, float]:
    """One side's figures, from a fresh process."""
    arguments = ["--only", side, "--bundle", str(bundle), "--seconds", str(seconds)]
    done = subprocess.run(
        [sys.executable, __file__, *arguments], capture_output=True, text=True, check=True, timeout=600
    )
    figures: dict[str, float] = json.loads(done.stdout)
    return figures


def measure(side: str, bundle: Path, seconds: float) -> dict[str, float]:
    """CPU time, memory, and for ours the CPU share at live pace."""
    from edge_agent import memory
    from edge_agent.health import rss_bytes
    from edge_agent.made_up_sound import made_up_sound

    memory.one_arena()
    hear = ours(bundle) if side == "ours" else theirs()
    sound = made_up_sound(seconds)
    blocks = [sound[start : start + BLOCK_SAMPLES] for start in range(0, len(sound), BLOCK_SAMPLES)]
    contents = [block if side == "ours" else block.tobytes() for block in blocks]
    memory.give_back()
    for content in contents[:50]:
        hear(content)
    begun_s = time.process_time()
    for content in contents:
        hear(content)
    figures = {
        "cpu_ms_per_s": (time.process_time() - begun_s) * 1000 / seconds,
        "rss_mb": rss_bytes() / 1e6,
    }
    if side == "ours":
        figures["idle_cpu_percent"] = live(hear, contents[:125])
    return figures


def live(hear: Callable[[object], None], contents: list[object]) -> float:
    """CPU share of one core, percent, when blocks come as they are heard."""
    cpu_s, begun_s = time.process_time(), time.monotonic()
    for index, content in enumerate(contents, start=1):
        time.sleep(max(0.0, begun_s + index * BLOCK_SAMPLES / 16_000 - time.monotonic()))
        hear(content)
    return 100 * (time.process_time() - cpu_s) / (time.monotonic() - begun_s)


def ours(path: Path) -> Callable[[object], None]:
    """Samples through front end, classifier, detector and level meter."""
    from edge_agent.__main__ import version
    from edge_agent.bundles import load_bundle
    from edge_agent.pipeline import Pipeline, Tuning

    pipeline = Pipeline(load_bundle(path, version()), Tuning(thresholds={}))
    return lambda samples: pipeline.feed(samples, 0.0) and None


def theirs() -> Callable[[object], None]:
    """Bytes through features and one wake word."""
    from pymicro_wakeword import MicroWakeWord, MicroWakeWordFeatures, Model

    word, features = MicroWakeWord.from_builtin(Model.OKAY_NABU), MicroWakeWordFeatures()

    def hear(content: object) -> None:
        for frame in features.process_streaming(content):
            word.process_streaming(frame)

    return hear


if __name__ == "__main__":
    sys.exit(main())
