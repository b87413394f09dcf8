"""How much each review teaches: accuracy against reviews, in the order of our queue and in a random one.

    python -m benchmarks.learning_curve --data ../shared/data/esc10 --out curve.png --json

A starter that has never heard two of the sounds learns from one fold of ESC-10 and plays the fleet: the pool
of windows are its answers to the other training folds, in the middle of twice as much background. Reviews
tell the truth; after each number of them the starter is learned again from what is reviewed so far, and is
measured on a fold that nobody has heard. Both orders start from the same starter. The band is Student's 95 %
interval over the runs, a run being a seed and a fold.
"""

import argparse
import dataclasses
import json
import math
import os
import sys
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from contract.audio import FRAMES_PER_S, RATE_HZ
from model_build.augment import Augmenter
from model_build.compare.statistics import over_runs
from model_build.console import Console, without_chatter
from model_build.dataset import Progress, Sound, find_corpus, load_recordings
from model_build.evaluate import step_levels_db
from model_build.examples import whole_steps
from model_build.export import export_frontend
from model_build.recipe import Recipe, load_recipe
from model_build.runtime import Frontend
from model_build.shape import STEP_FRAMES

REVIEWS = (0, 10, 20, 40, 60, 100, 200)
WITHHELD = 2
WINDOW_S = 2.4
"""A window is cut from each clip of the pool, where it is loudest: a node sends it for a reason."""
EXCERPT_S = 2.6
"""Shorter than the recipe's, which halves the time of a training."""
BACKGROUND_PART = 2.0
"""Windows of nothing in the pool, for each with a sound: most of what a fleet sends is nothing new."""
NODES = 8
OURS, RANDOM = "our queue", "random order"

# ---- The order of reviews: to be swapped for that of aggregator.domain (guesses, value) ----


def queue_order(cards: Sequence[Any], answers: Sequence[tuple[int, str | None]]) -> int:
    """The card of the highest value: unsure (entropy, margin), of a label and a node with few answers."""
    done = {card for card, _ in answers}
    labels = Counter(_guessed(cards[card]) for card in done)
    nodes = Counter(cards[card].node for card in done)

    def value(index: int) -> float:
        card = cards[index]
        shares = np.sort(_strongest(card))[::-1]
        entropy = float(-np.sum(shares * np.log(shares + 1e-9)) / math.log(len(shares)))
        unsure = 0.5 * entropy + 0.5 * (1.0 - float(shares[0] - shares[1]))
        return 0.4 * unsure + 0.2 * 10 / (10 + labels[_guessed(card)]) + 0.15 * 10 / (10 + nodes[card.node])

    return max(
        (index for index in range(len(cards)) if index not in done), key=lambda index: (value(index), -index)
    )


def _strongest(card: Any) -> NDArray[np.float64]:
    targets = [index for index, label in enumerate(card.labels) if not label.startswith("_")]
    step = int(card.posteriors[:, targets].max(axis=1).argmax())
    return np.asarray(card.posteriors[step], np.float64)


def _guessed(card: Any) -> str:
    return str(card.labels[int(_strongest(card).argmax())])


# ---- Until here ----


def random_order(seed: int) -> Any:
    """The order of chance."""

    def order(cards: Sequence[Any], answers: Sequence[tuple[int, str | None]]) -> int:
        ranks = np.random.default_rng([seed, 99]).permutation(len(cards))
        return int(ranks[len(answers)])

    return order


class Runs:
    """The recordings as features, and the experiments made of them."""

    def __init__(self, recipe: Recipe, data: Path, progress: Progress) -> None:
        self.recipe = recipe
        self._recordings = load_recordings(recipe, find_corpus(recipe, data), progress)
        self._preprocess = export_frontend(recipe.frontend)
        frontend = Frontend(self._preprocess)
        self._features = []
        self._levels = []
        for index, sound in enumerate(self._recordings.sounds):
            whole = whole_steps(sound.pcm)
            self._features.append(frontend.features(whole))
            self._levels.append(step_levels_db(whole))
            progress("hearing the clips", index + 1, len(self._recordings.sounds))
        self._frontend = frontend
        self.folds = sorted({sound.clip.split for sound in self._recordings.sounds})

    def experiment(self, seed: int, fold: str) -> Any:
        """What a seed and a fold stand for: which sounds are withheld, and who hears what."""
        from model_build.retrain.curve import Experiment

        draw = np.random.default_rng([seed, self.folds.index(fold)])
        withheld = tuple(draw.choice(self.recipe.targets, WITHHELD, replace=False).tolist())
        others = [other for other in self.folds if other != fold]
        starter = others[int(draw.integers(len(others)))]
        sounds = [*enumerate(self._recordings.sounds)]
        known = [(i, s.label) for i, s in sounds if s.clip.split == starter and s.label not in withheld]
        nothing = self._nothing(draw, len(known) // len(self.recipe.targets) + 1)
        pool = [(i, s) for i, s in sounds if s.clip.split in others and s.clip.split != starter]
        return Experiment(
            recipe=self.recipe,
            withheld=withheld,
            preprocess=self._preprocess,
            known=np.stack([*(self._features[i] for i, _ in known), *nothing]),
            known_labels=(*(label for _, label in known), *([self.recipe.silence] * len(nothing))),
            pool=tuple(self._pool(pool, draw)),
            exam=tuple(self._clip(i, s) for i, s in sounds if s.clip.split == fold),
        )

    def _pool(self, sounds: Sequence[tuple[int, Sound]], draw: np.random.Generator) -> Any:
        from model_build.retrain.curve import PoolWindow
        from model_build.retrain.excerpts import best_start

        length = round(WINDOW_S * FRAMES_PER_S) // STEP_FRAMES * STEP_FRAMES
        windows = []
        for index, sound in sounds:
            start = max(0, best_start(self._features[index], length, None))
            frames = self._features[index][start : start + length]
            windows.append(PoolWindow(frames=frames, label=sound.label, node=f"node-{index % NODES}"))
        for index, frames in enumerate(self._nothing(draw, round(BACKGROUND_PART * len(sounds)))):
            windows.append(PoolWindow(frames=frames[:length], label=None, node=f"node-{index % NODES}"))
        return windows

    def _nothing(self, draw: np.random.Generator, count: int) -> list[NDArray[np.int8]]:
        augmenter = Augmenter(self.recipe.augment, (), draw)
        samples = round(self.recipe.clip_s * RATE_HZ)
        return [self._frontend.features(whole_steps(augmenter.silence(samples))) for _ in range(count)]

    def _clip(self, index: int, sound: Sound) -> Any:
        from model_build.retrain.hearing import Clip

        return Clip(label=sound.label, features=self._features[index], levels_db=self._levels[index])


def main() -> int:
    """Draw the curve."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of ESC-10")
    parser.add_argument("--out", type=Path, required=True, help="PNG to draw")
    parser.add_argument("--seeds", type=int, default=1, help="runs of each fold (default: 1)")
    parser.add_argument("--folds", type=int, default=4, help="folds to be held out in turn (default: 4)")
    parser.add_argument("--reviews", type=int, nargs="*", default=list(REVIEWS))
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    started_s = time.monotonic()
    with Console() as console:
        found = measure(options, console)
    found["seconds"] = round(time.monotonic() - started_s, 1)
    draw_picture(found, options.out)
    print(json.dumps(found) if options.json else table(found))
    return 0


def measure(options: argparse.Namespace, console: Console) -> dict[str, Any]:
    """All runs of both orders."""
    from model_build.retrain.curve import Curve

    recipe = load_recipe("sounds")
    training = dataclasses.replace(recipe.training, network_seeds=(1,), excerpt_s=EXCERPT_S)
    runs = Runs(dataclasses.replace(recipe, training=training), options.data, console.progress)
    curves: dict[str, list[list[Any]]] = {OURS: [], RANDOM: []}
    withheld = []
    for seed in range(options.seeds):
        for fold in runs.folds[: options.folds]:
            experiment = runs.experiment(seed, fold)
            withheld.append(list(experiment.withheld))
            curve = Curve(experiment, seed + 1, console.progress)
            for name, order in ((OURS, queue_order), (RANDOM, random_order(seed))):
                curves[name].append(curve.points(order, options.reviews))
                last = curves[name][-1]
                console.say(f"fold {fold}, {name}: " + " ".join(f"{point.accuracy:.0%}" for point in last))
    return {
        "reviews": options.reviews,
        "runs": len(withheld),
        "withheld": withheld,
        "curves": {name: _banded(rows) for name, rows in curves.items()},
        "needed": _needed(options.reviews, curves),
    }


def _banded(rows: list[list[Any]]) -> dict[str, list[float | None]]:
    """Mean of each point with its interval, of all labels and of the new ones."""
    banded: dict[str, list[float | None]] = {}
    for field in ("accuracy", "new"):
        values = np.array([[getattr(point, field) for point in row] for row in rows])
        intervals = [over_runs(column) for column in values.T]
        for part in ("value", "low", "high"):
            numbers = [getattr(one, part) for one in intervals]
            banded[f"{field}_{part}"] = [None if math.isnan(x) else round(x, 4) for x in numbers]
    return banded


def _needed(reviews: Sequence[int], curves: dict[str, list[list[Any]]]) -> dict[str, Any]:
    """Reviews after which either mean curve reaches what the random one has at its end."""
    means = {
        name: np.mean([[point.accuracy for point in row] for row in rows], axis=0)
        for name, rows in curves.items()
    }
    goal = float(means[RANDOM][-1])
    return {"accuracy": round(goal, 4)} | {
        name: _first_at(reviews, mean, goal) for name, mean in means.items()
    }


def _first_at(reviews: Sequence[int], mean: NDArray[np.float64], goal: float) -> float | None:
    for place, value in enumerate(mean):
        if value >= goal - 1e-9:
            if place == 0:
                return float(reviews[0])
            part = (goal - mean[place - 1]) / max(1e-9, value - mean[place - 1])
            return round(float(reviews[place - 1] + part * (reviews[place] - reviews[place - 1])), 1)
    return None


def draw_picture(found: dict[str, Any], path: Path) -> None:
    """Both curves with their bands, of all labels and of the new ones."""
    import matplotlib

    matplotlib.use("agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(1, 2, figsize=(11, 4.2), sharey=True, layout="constrained")
    for axis, field, title in zip(
        axes, ("accuracy", "new"), ("all ten sounds", "the two new ones"), strict=True
    ):
        for (name, rows), colour in zip(found["curves"].items(), ("#c2410c", "#475569"), strict=True):
            axis.plot(
                found["reviews"], 100 * np.array(rows[f"{field}_value"]), "o-", color=colour, label=name
            )
            if rows[f"{field}_low"][0] is not None:
                low, high = (100 * np.array(rows[f"{field}_{part}"]) for part in ("low", "high"))
                axis.fill_between(
                    found["reviews"], np.maximum(low, 0), np.minimum(high, 100), color=colour, alpha=0.15
                )
        axis.set_title(title)
        axis.set_xlabel("reviews")
        axis.grid(alpha=0.3)
    axes[0].set_ylabel("mean recall on held-out clips, %")
    axes[0].legend(loc="lower right")
    figure.suptitle(f"What reviews teach ({found['runs']} runs, 95 % interval)")
    figure.savefig(path, dpi=120, metadata={"Software": None})
    pyplot.close(figure)


def table(found: dict[str, Any]) -> str:
    """The means as Markdown."""
    lines = ["| reviews | " + " | ".join(f"{name}, %" for name in found["curves"]) + " |", "|---|---|---|"]
    for place, reviews in enumerate(found["reviews"]):
        cells = [f"{100 * rows['accuracy_value'][place]:.1f}" for rows in found["curves"].values()]
        lines.append(f"| {reviews} | " + " | ".join(cells) + " |")
    return "\n".join([*lines, "", f"needed: {found['needed']}"])


if __name__ == "__main__":
    for variable in ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"):
        os.environ.setdefault(variable, "1")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    with without_chatter():
        import tensorflow  # noqa: F401
    sys.exit(main())
