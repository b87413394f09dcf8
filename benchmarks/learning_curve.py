"""How much each review teaches: accuracy against reviews, in the order of our queue and in a random one.

    python -m benchmarks.learning_curve --data ../shared/data/esc10 --out curve.png --json

A starter that has never heard two of the labels plays the fleet: the pool of windows are its answers to
recordings that it has not learned from, among twice as much that is none of the labels. ``--data`` is ESC-10
or Speech Commands. The queue is the one that is shipped: windows are stored, made into cards, grouped, valued
and answered through the services behind the dashboard. Reviews tell the truth; after each number of them the
starter is learned again from what is reviewed so far, and is measured on recordings that nobody has heard.
The pool keeps the starter's answers: what is stored is not heard again by a later model. Thin lines are runs,
thick ones their means. With ``--keep FILE`` another call goes on with the runs that are still missing.
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
ALL, NEW = PARTS = "accuracy", "new"


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
    parser.add_argument(
        "--keep", type=Path, help="keep finished runs in this file, and begin with those in it"
    )
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
    kept = Kept(options.keep, {"recipe": pools.recipe.name, "reviews": options.reviews})
    begun_s, done = time.monotonic(), 0
    for run, experiment in enumerate(pools.experiments(options.runs)):
        if run < len(kept.runs):
            continue
        if done and (time.monotonic() - begun_s) * (done + 1) / done > 60 * options.minutes:
            console.say(f"stopping after {run} runs: no time for another")
            break
        curve = Curve(experiment, run + 1, console.progress)
        with ShippedQueue([window.frames for window in experiment.pool]) as queue:
            orders = {OURS: queue.order, RANDOM: random_order(run)}
            points = {name: curve.points(order, options.reviews) for name, order in orders.items()}
        kept.add(
            {
                "withheld": list(experiment.withheld),
                **{name: {part: _column(row, part) for part in PARTS} for name, row in points.items()},
            }
        )
        done += 1
        for name in orders:
            said = " ".join(f"{share:.0%}" for share in kept.runs[-1][name][ALL])
            console.say(f"run {run + 1}, without {', '.join(experiment.withheld)}, {name}: {said}")
    return _summed(pools.recipe.name, options.reviews, kept.runs)


class Kept:
    """Runs that are done, also in a file if one is named; runs of other numbers are forgotten."""

    def __init__(self, path: Path | None, of: dict[str, Any]) -> None:
        self._path, self._of = path, of
        self.runs: list[dict[str, Any]] = []
        if path is not None and path.exists():
            stored = json.loads(path.read_text())
            if stored["of"] == of:
                self.runs = stored["runs"]

    def add(self, run: dict[str, Any]) -> None:
        self.runs.append(run)
        if self._path is not None:
            self._path.write_text(json.dumps({"of": self._of, "runs": self.runs}))


def _column(row: Sequence[Any], part: str) -> list[float]:
    return [round(getattr(point, part), 4) for point in row]


def _summed(recipe: str, reviews: Sequence[int], runs: list[dict[str, Any]]) -> dict[str, Any]:
    """Means over the runs, with Student's 95 % interval of how much our order is ahead."""
    curves = {
        name: {part: np.array([run[name][part] for run in runs]) for part in PARTS} for name in (OURS, RANDOM)
    }
    ahead = {part: curves[OURS][part] - curves[RANDOM][part] for part in PARTS}
    return {
        "recipe": recipe,
        "reviews": list(reviews),
        "runs": runs,
        "means": {
            name: {part: _rounded(rows.mean(axis=0)) for part, rows in parts.items()}
            for name, parts in curves.items()
        },
        "ahead": {part: [_interval(column) for column in rows.T] for part, rows in ahead.items()},
        "needed": {
            part: _needed(reviews, {name: parts[part].mean(axis=0) for name, parts in curves.items()})
            for part in PARTS
        },
    }


def _rounded(numbers: NDArray[np.float64]) -> list[float]:
    return [round(float(number), 4) for number in numbers]


def _interval(differences: NDArray[np.float64]) -> list[float | None]:
    """Mean, low, high; of one run only the mean."""
    found = over_runs(differences)
    numbers = (found.value, found.low, found.high)
    return [None if math.isnan(number) else round(number, 4) for number in numbers]


def _needed(reviews: Sequence[int], means: dict[str, NDArray[np.float64]]) -> list[dict[str, Any]]:
    """Reviews after which either mean curve reaches what the random one has after each of its numbers."""
    return [
        {"share": round(goal, 4)} | {name: _first_at(reviews, mean, goal) for name, mean in means.items()}
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
    """Both orders, of all labels and of the new ones."""
    import matplotlib

    matplotlib.use("agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(1, 2, figsize=(11, 4.2), sharey=True, layout="constrained")
    for axis, part, title in zip(axes, PARTS, ("all labels", "the two new ones"), strict=True):
        for name, colour in ((OURS, "#c2410c"), (RANDOM, "#475569")):
            for run in found["runs"]:
                axis.plot(found["reviews"], 100 * np.array(run[name][part]), color=colour, lw=0.8, alpha=0.4)
            mean = 100 * np.array(found["means"][name][part])
            axis.plot(found["reviews"], mean, "o-", color=colour, lw=2.2, label=name)
        axis.set_title(title)
        axis.set_xlabel("reviews")
        axis.grid(alpha=0.3)
    axes[0].set_ylabel("mean recall on held-out clips, %")
    axes[0].legend(loc="lower right")
    figure.suptitle(f"What reviews teach: {found['recipe']}, {len(found['runs'])} runs and their mean")
    figure.savefig(path, dpi=120, metadata={"Software": None})
    pyplot.close(figure)


def table(found: dict[str, Any]) -> str:
    """The means as Markdown."""
    names = [f"{title}, {name}" for title in ("all labels", "new ones") for name in (OURS, RANDOM)]
    lines = ["| reviews | " + " | ".join(f"{name}, %" for name in names) + " |", "|---" * 5 + "|"]
    for place, reviews in enumerate(found["reviews"]):
        shares = [found["means"][name][part][place] for part in PARTS for name in (OURS, RANDOM)]
        lines.append(f"| {reviews} | " + " | ".join(f"{100 * share:.1f}" for share in shares) + " |")
    needed = [
        f"{part}, {100 * one['share']:.1f} %: {one[OURS]} reviews in our order, {one[RANDOM]} in a random one"
        for part, goals in found["needed"].items()
        for one in goals
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
