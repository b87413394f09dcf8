"""What a live update costs: samples lost or heard twice, and how long the main loop is busy.

    python -m benchmarks.swap_gap [--bundle models/keywords.bundle] [--json]

First a ramp, in which every sample is known, goes through updates between models of various lengths of step,
in blocks of various lengths, to the end of probation or back again: which samples were in service once, which
never or twice. Then the bundle takes over from itself on recorded words: how long the loop was busy with each
block of 80 ms, before, while the new model got warm, with the block in which it took over, while both are
held against each other, and after. The listener holds 4 s: a block that takes longer would lose sound.
"""

import argparse
import itertools
import json
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from contract.audio import HOP_SAMPLES, RATE_HZ
from contract.bundle import read_bundle
from contract.sampling import Sampling
from edge_agent.agent.candidate import Candidate
from edge_agent.agent.reporting import Identity
from edge_agent.bundles import load_bundle
from edge_agent.capture import Block, decode, sound_files
from edge_agent.pipeline import Pipeline, Tuning
from edge_agent.swap import Measured
from tests.edge_agent.ramp import a_candidate
from tests.edge_agent.update_world import UpdateWorld

ROOT = Path(__file__).resolve().parent.parent
WORDS = ROOT / "aggregator" / "demo_sounds" / "words"
OLD, NEW = "a" * 64, "b" * 64
STEPS = ((4, 4), (4, 7), (9, 1), (1, 8))
BLOCKS = (320, 999, 1280, 3333)
QUIET = Sampling(random_per_hour=0)
BLOCK_SAMPLES = 1280
BEFORE_S, PROBATION_S, AFTER_S = 20.0, 30.0, 20.0


def main() -> int:
    """Exit code 1 if a sample was lost or heard twice."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--bundle", type=Path, default=ROOT / "models" / "keywords.bundle")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    told = {"ramp": ramp(options.bundle), "words": words(options.bundle)}
    print(json.dumps(told, indent=1) if options.json else table(told))
    return 0 if told["ramp"]["lost"] == told["ramp"]["twice"] == told["words"]["lost"] == 0 else 1


def ramp(bundle: Path) -> dict[str, int]:
    """Counted in samples, over all updates together."""
    manifest = read_bundle(bundle).manifest
    found: Counter[str] = Counter()
    for (old, new), block, bad in itertools.product(STEPS, BLOCKS, (False, True)):
        with tempfile.TemporaryDirectory() as folder:
            first = a_candidate(manifest, OLD, step_frames=old)
            node = UpdateWorld(Path(folder), first, policy="all", sampling=QUIET)
            node.play(37, block)
            broken = {"broken": "nan", "from_hop": 400} if bad else {}
            node.try_out(node.candidate(NEW, step_frames=new, **broken), probation_s=60 if bad else 2)
            node.play(600, block)
            node.end()
        assert node.kinds() == ["took_over", "rolled_back" if bad else "confirmed"]
        heard = Counter(node.heard)
        found["updates"] += 1
        found["samples"] += node.hops * HOP_SAMPLES
        found["lost"] += sum(not heard[hop] for hop in range(node.hops)) * HOP_SAMPLES
        found["twice"] += sum(count - 1 for count in heard.values()) * HOP_SAMPLES
    return {name: found[name] for name in ("updates", "samples", "lost", "twice")}


def words(bundle: Path) -> dict[str, Any]:
    """Times are of this machine."""
    with tempfile.TemporaryDirectory() as folder:
        node = UpdateWorld(Path(folder), real(bundle, OLD), policy="results", sampling=QUIET)
        blocks, took_ms = sound(), {}
        took_ms["before"] = [hear(node, next(blocks)) for _ in range(_count(BEFORE_S))]
        candidate = real(bundle, NEW)
        node.try_out(candidate, probation_s=PROBATION_S)
        took_ms["warming"] = until(node, blocks, "took_over")
        took_ms["taking over"] = [took_ms["warming"].pop()]
        took_ms["probation"] = until(node, blocks, "confirmed")
        took_ms["after"] = [hear(node, next(blocks)) for _ in range(_count(AFTER_S))]
        node.end()
    heard = sum(len(frames) for frames in node.frames) * HOP_SAMPLES
    fed = sum(map(len, took_ms.values())) * BLOCK_SAMPLES
    return {
        "samples": fed,
        "lost": max(0, fed // HOP_SAMPLES * HOP_SAMPLES - heard),
        "warming_s": round(len(took_ms["warming"]) * BLOCK_SAMPLES / RATE_HZ, 1),
        "block_ms": 1000 * BLOCK_SAMPLES / RATE_HZ,
        "busy_ms": {name: _spread(times) for name, times in took_ms.items()},
    }


def hear(node: UpdateWorld, samples: np.ndarray[Any, np.dtype[np.int16]]) -> float:
    """Milliseconds that the main loop is busy with a block."""
    node.clock_s += len(samples) / RATE_HZ
    began_s = time.perf_counter()
    node.stage.hear(Block(samples=samples, captured_s=1e9 + node.clock_s))
    return 1000 * (time.perf_counter() - began_s)


def until(node: UpdateWorld, blocks: Iterator[np.ndarray[Any, np.dtype[np.int16]]], kind: str) -> list[float]:
    """Hear on until something has happened."""
    took_ms = []
    while kind not in node.kinds():
        took_ms.append(hear(node, next(blocks)))
        assert "rolled_back" not in node.kinds(), node.events
    return took_ms


def sound() -> Iterator[np.ndarray[Any, np.dtype[np.int16]]]:
    """Recorded words again and again, in blocks."""
    every = np.concatenate([piece for file in sound_files(WORDS) for piece in decode(file)])
    at = 0
    while True:
        if at + BLOCK_SAMPLES > len(every):
            at = 0
        yield every[at : at + BLOCK_SAMPLES]
        at += BLOCK_SAMPLES


def real(path: Path, digest: str) -> Candidate:
    """The bundle, under a digest that it may not have: it takes over from itself."""
    bundle = load_bundle(path, "99")
    pipeline = Pipeline(bundle, Tuning(thresholds={}))
    identity = Identity(
        boot="a" * 16, agent_version="1", runtime="none", manifest=bundle.manifest, bundle_digest=digest,
        thresholds=pipeline.thresholds, started_s=1,
    )  # fmt: skip
    return Candidate(pipeline=Measured(pipeline), identity=identity)


def table(told: dict[str, Any]) -> str:
    """For people."""
    ramp_, words_ = told["ramp"], told["words"]
    lines = [
        f"{ramp_['updates']} updates in {ramp_['samples']} samples of a ramp: {ramp_['lost']} lost, "
        f"{ramp_['twice']} heard twice",
        f"words: {words_['lost']} of {words_['samples']} samples lost; warm after {words_['warming_s']} s",
        "",
        f"{'busy with 80 ms of sound':26} {'p50 ms':>8} {'most':>8}",
    ]
    lines += [f"{name:26} {took['p50']:>8} {took['most']:>8}" for name, took in words_["busy_ms"].items()]
    return "\n".join(lines)


def _spread(times: Sequence[float]) -> dict[str, float]:
    return {"p50": round(statistics.median(times), 2), "most": round(max(times), 2)}


def _count(seconds: float) -> int:
    return round(seconds * RATE_HZ / BLOCK_SAMPLES)


if __name__ == "__main__":
    sys.exit(main())
