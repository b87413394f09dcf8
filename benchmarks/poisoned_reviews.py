"""How often the cross-check refuses honest reviews, and how often it refuses sets of which a part is wrong.

Windows are made of recordings that the base has not learned from, as a node would send them: a word somewhere
between noise. Many sets are drawn from them, a part of each set is called something else, and the gate's own
rule judges. A word that the base does not know as a label is the new one.

    python -m benchmarks.poisoned_reviews --base keywords.base --data ../shared/data/speech_commands --new go
"""

import argparse
import json
import os
import random
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from aggregator.domain.figures import Checked
from aggregator.domain.gate_limits import Limits
from aggregator.domain.gate_rules import confirmed_by_others
from contract.audio import RATE_HZ
from model_build.audio_file import read_pcm
from model_build.console import without_chatter
from model_build.cuts import fit
from model_build.dataset import Pcm
from model_build.runtime import Frontend

WINDOW_S: Final = 2.56
CLIPS_MOST: Final = 90
NOTHING: Final = 60
"""Windows of noise alone."""
PARTS: Final = (0.0, 0.1, 0.2, 1 / 3)
KINDS: Final = ("any", "one")
"""Wrong reviews say any other label, or, of the new label, always the same one, and the other way round."""
SETS: Final = {"60, half of them new": (60, 0.5), "60, all new": (60, 1.0), "30, half new": (30, 0.5)}
_NOISE_DB, _WORD_DB = (-30.0, -6.0), (-12.0, 3.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pool:
    """Windows as the base's network hears them."""

    heard: NDArray[np.float32]
    truth: tuple[str | None, ...]
    labels: tuple[str, ...]
    """What people can say, the new label last"""


def main() -> int:
    """Print the rates."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--base", type=Path, required=True, help="archive that `model-build base` wrote")
    parser.add_argument("--data", type=Path, required=True, help="folder of Speech Commands")
    parser.add_argument("--new", required=True, help="word that the base does not know as a label")
    parser.add_argument("--sets", type=int, default=500, help="of each kind (default: 500)")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    found = rates(options.base, options.data, options.new, options.sets)
    print(json.dumps(found) if options.json else table(found))
    return 0


def rates(base: Path, data: Path, new: str, sets: int) -> list[dict[str, Any]]:
    """Of each kind of set the share that is refused, and how many reviews are confirmed."""
    from model_build.retrain.base_file import read_base
    from model_build.retrain.crosscheck import Others

    known = read_base(base)
    others = Others(known)
    pool = _pool(known, others, data, new)
    rows = []
    for name, (size, new_part) in SETS.items():
        for part, kind in [(part, kind) for part in PARTS for kind in KINDS if part or kind == KINDS[0]]:
            shares, refused = [], 0
            for seed in range(sets):
                rule = _judged(pool, others, random.Random(seed), size, new_part, part, kind)
                shares.append(rule.figures["candidate"])
                refused += not rule.passed
            rows.append({
                "set": name, "wrong": round(part, 3), "kind": kind, "sets": sets, "refused": refused,
                "confirmed": round(float(np.mean(shares)), 3), "least": min(shares), "most": max(shares),
            })  # fmt: skip
    return rows


def _judged(
    pool: Pool, others: Any, draw: random.Random, size: int, new_part: float, part: float, kind: str
) -> Any:
    """The gate's rule on one set."""
    new = pool.labels[-1]
    mine = [place for place, name in enumerate(pool.truth) if name == new]
    rest = [place for place, name in enumerate(pool.truth) if name != new]
    count = round(new_part * size)
    chosen = [*draw.sample(mine, count), *draw.sample(rest, size - count)]
    named = [pool.truth[place] for place in chosen]
    for place in draw.sample(range(size), round(part * size)):
        named[place] = _mistaken(named[place], pool.labels, kind, draw)
    checked = [
        Checked(window=place, truth=name, others=one.others, doubt=one.doubt)
        for place, name, one in zip(chosen, named, others.check(pool.heard[chosen], named), strict=True)
    ]
    return confirmed_by_others(checked, Limits())


def _mistaken(name: str | None, labels: Sequence[str], kind: str, draw: random.Random) -> str:
    if kind == "one":
        return labels[0] if name == labels[-1] else labels[-1]
    return draw.choice([label for label in labels if label != name])


def _pool(base: Any, others: Any, data: Path, new: str) -> Pool:
    draw = np.random.default_rng(5)
    frontend = Frontend(base.preprocess)
    noises = [read_pcm(path).astype(float) for path in sorted((data / "_background_noise_").glob("*.flac"))]
    truth: list[str | None] = []
    frames = []
    for word in sorted(folder.name for folder in (data / "validation").iterdir()):
        paths = sorted((data / "validation" / word).iterdir())[:CLIPS_MOST]
        if word == new:
            paths += sorted((data / "training" / word).iterdir())[:CLIPS_MOST]
        for path in paths:
            frames.append(frontend.features(_window(fit(read_pcm(path), RATE_HZ), noises, draw)))
            truth.append(word if word in (*base.recipe.targets, new) else None)
    for _ in range(NOTHING):
        frames.append(frontend.features(_window(np.zeros(RATE_HZ, np.int16), noises, draw)))
        truth.append(None)
    labels = (*base.recipe.targets, new)
    return Pool(heard=_heard(base, others, frames), truth=tuple(truth), labels=labels)


def _heard(base: Any, others: Any, frames: list[NDArray[np.int8]]) -> NDArray[np.float32]:
    from contract.manifest import is_target
    from model_build.retrain.growth import known_network
    from model_build.retrain.hearing import Ear, clip_of
    from model_build.retrain.snapshot import SCHEMA, UNKNOWN_STEP, Head, Snapshot

    targets = [place for place, label in enumerate(base.labels) if is_target(label)]
    answers = Ear(known_network(base)).hear([clip_of("", one) for one in frames])
    surest = [one.posteriors[:, targets].max(axis=1) for one in answers]
    peaks = [int(one.argmax()) if one.max() >= 0.25 else UNKNOWN_STEP for one in surest]
    count = len(frames)
    head = Head(
        schema=SCHEMA, frontend_digest=base.frontend_digest, labels=(), made_s=0.0, windows=count,
        digest="0" * 64, none="_unknown_",
    )  # fmt: skip
    snapshot = Snapshot(
        head=head,
        frames=np.concatenate(frames),
        offsets=np.cumsum([0, *(len(one) for one in frames)], dtype=np.int64),
        label=np.full(count, -1, np.int16),
        split=np.zeros(count, np.uint8),
        window_id=np.arange(count),
        peak_step=np.array(peaks, np.int32),
    )
    return np.asarray(others.heard(snapshot, range(count)))


def _window(pcm: Pcm, noises: Sequence[NDArray[np.float64]], draw: np.random.Generator) -> Pcm:
    """A clip somewhere in a window of noise."""
    samples = round(WINDOW_S * RATE_HZ)
    noise = noises[int(draw.integers(len(noises)))]
    start = draw.integers(len(noise) - samples)
    sound = noise[start : start + samples] * 10 ** (draw.uniform(*_NOISE_DB) / 20)
    lead = draw.integers(samples - len(pcm))
    sound[lead : lead + len(pcm)] += pcm * 10 ** (draw.uniform(*_WORD_DB) / 20)
    return np.asarray(np.clip(sound, -32768, 32767), np.int16)


def table(rows: Sequence[dict[str, Any]]) -> str:
    """The rates as Markdown."""
    lines = ["| set | wrong | says | confirmed | refused |", "|---|---|---|---|---|"]
    for row in rows:
        reach = f"{row['confirmed']:.1%} ({row['least']:.0%} to {row['most']:.0%})"
        refused = f"{row['refused']} of {row['sets']}"
        lines.append(f"| {row['set']} | {row['wrong']:.0%} | {row['kind']} | {reach} | {refused} |")
    return "\n".join(lines)


if __name__ == "__main__":
    for variable in ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"):
        os.environ.setdefault(variable, "1")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    with without_chatter():
        import tensorflow  # noqa: F401
    sys.exit(main())
