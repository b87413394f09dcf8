"""How much each review teaches: accuracy against reviews, in the order of our queue and in a random one.

    python -m benchmarks.learning_curve --data ../shared/data/esc10 --out curve.png --json

A starter that has never heard two of the labels plays the fleet: the pool of windows are its answers to
recordings that it has not learned from, among twice as much that is none of the labels. ``--data`` is ESC-10
or Speech Commands. The queue is the one that is shipped: windows are stored, made into cards, grouped, valued
and answered through the services behind the dashboard. Reviews tell the truth; after each number of them the
starter is learned again from what is reviewed so far, and is measured on recordings that nobody has heard.
The pool keeps the starter's answers: what is stored is not heard again by a later model. The band is
Student's 95 % interval over the runs.
"""

import argparse
import json
import math
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.shipped_queue import ShippedQueue
from model_build.compare.statistics import over_runs
from model_build.console import Console, without_chatter

REVIEWS = (0, 20, 40, 80, 160)
RUNS, MINUTES = 4, 25.0
OURS, RANDOM = "our queue", "random order"


def random_order(seed: int) -> Any:
    """The order of chance."""

    def order(cards: Sequence[Any], answers: Sequence[tuple[int, str | None]]) -> int:
        ranks = np.random.default_rng([seed, 99]).permutation(len(cards))
        return int(ranks[len(answers)])

    return order


def main() -> int:
    """Draw the curve."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of ESC-10 or of Speech Commands")
    parser.add_argument("--out", type=Path, required=True, help="PNG to draw")
    parser.add_argument("--runs", type=int, default=RUNS, help=f"experiments (default: {RUNS})")
    parser.add_argument(
        "--minutes",
        type=float,
        default=MINUTES,
        help=f"begin no run that would end later (default: {MINUTES:g})",
    )
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
    """As many runs of both orders as there is time for; one at least."""
    from benchmarks.curve_pools import Pools
    from model_build.retrain.curve import Curve

    pools = Pools(options.data, console.progress)
    curves: dict[str, list[list[Any]]] = {OURS: [], RANDOM: []}
    withheld = []
    begun_s = time.monotonic()
    for run, experiment in enumerate(pools.experiments(options.runs)):
        spent_s = time.monotonic() - begun_s
        if run and spent_s * (run + 1) / run > 60 * options.minutes:
            console.say(f"stopping after {run} runs: no time for another")
            break
        withheld.append(list(experiment.withheld))
        curve = Curve(experiment, run + 1, console.progress)
        with ShippedQueue([window.frames for window in experiment.pool]) as queue:
            for name, order in ((OURS, queue.order), (RANDOM, random_order(run))):
                curves[name].append(curve.points(order, options.reviews))
                said = " ".join(f"{point.accuracy:.0%}" for point in curves[name][-1])
                console.say(f"run {run + 1}, without {', '.join(experiment.withheld)}, {name}: {said}")
    return {
        "recipe": pools.recipe.name,
        "reviews": options.reviews,
        "runs": len(withheld),
        "withheld": withheld,
        "curves": {name: _banded(rows) for name, rows in curves.items()},
        "each": {
            name: [[round(p.accuracy, 4) for p in row] for row in rows] for name, rows in curves.items()
        },
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


def _needed(reviews: Sequence[int], curves: dict[str, list[list[Any]]]) -> list[dict[str, Any]]:
    """Reviews after which either mean curve reaches what the random one has after each of its numbers."""
    means = {
        name: np.mean([[point.accuracy for point in row] for row in rows], axis=0)
        for name, rows in curves.items()
    }
    return [
        {"accuracy": round(goal, 4)} | {name: _first_at(reviews, mean, goal) for name, mean in means.items()}
        for goal in means[RANDOM][1:].tolist()
    ]


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
    for axis, field, title in zip(axes, ("accuracy", "new"), ("all labels", "the two new ones"), strict=True):
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
    figure.suptitle(f"What reviews teach: {found['recipe']}, {found['runs']} runs, 95 % interval")
    figure.savefig(path, dpi=120, metadata={"Software": None})
    pyplot.close(figure)


def table(found: dict[str, Any]) -> str:
    """The means as Markdown."""
    lines = ["| reviews | " + " | ".join(f"{name}, %" for name in found["curves"]) + " |", "|---|---|---|"]
    for place, reviews in enumerate(found["reviews"]):
        cells = [f"{100 * rows['accuracy_value'][place]:.1f}" for rows in found["curves"].values()]
        lines.append(f"| {reviews} | " + " | ".join(cells) + " |")
    needed = [
        f"for {100 * one['accuracy']:.1f} %: {one[OURS]} reviews in our order, {one[RANDOM]} in a random one"
        for one in found["needed"]
    ]
    return "\n".join([*lines, "", *needed])


if __name__ == "__main__":
    for variable in ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"):
        os.environ.setdefault(variable, "1")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    with without_chatter():
        import tensorflow as tf
    tf.get_logger().setLevel("ERROR")  # each point is another network, which it finds often
    sys.exit(main())
