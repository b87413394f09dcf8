"""Anomaly detection on real recordings: each category of ESC-10 in turn is what is normal.

    python -m benchmarks.anomaly_categories --data ESC-50-master

For each category and each fold: an autoencoder learns the category's clips of the other folds (by those of
the next fold its scores are standardised), and must tell the fold's clips of the category from those of all
other categories in that fold. Printed is the mean area under the ROC curve over the folds, in float; what is
exported computes the same within what ``parity_nrmse`` of a bundle says. Beside it the same scores with
nothing rebuilt: what the autoencoder is worth. Clips of a category come from many places, which is harder
than one machine in its place.
"""

import argparse
import dataclasses
import json
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from model_build import esc50
from model_build.anomaly.auc import area_under_curve
from model_build.anomaly.export import residuals
from model_build.anomaly.network import STEP_VALUES, Standard
from model_build.anomaly.recipe import AnomalyRecipe, load_anomaly_recipe
from model_build.anomaly.scoring import Residual, fit_scoring, settled
from model_build.anomaly.training import train
from model_build.audio_file import read_pcm
from model_build.examples import whole_steps
from model_build.export import export_frontend
from model_build.runtime import Frontend

Clips = dict[tuple[str, str], list[np.ndarray]]
"""Frames of the clips of each category and fold."""


def load(folder: Path, recipe: AnomalyRecipe) -> Clips:
    """Every clip through the recipe's front end."""
    frontend, clips = Frontend(export_frontend(recipe.frontend)), {}
    for clip in esc50.find(folder).clips:
        features = frontend.features(whole_steps(read_pcm(clip.path)))
        clips.setdefault((clip.word, clip.split), []).append(features)
    return clips


def area(clips: Clips, recipe: AnomalyRecipe, normal: str, fold: str, *, rebuild: bool) -> float:
    """Of one category and one fold."""
    folds = sorted({fold for _, fold in clips})
    held_out = folds[(folds.index(fold) + 1) % len(folds)]
    learned = [one for other in folds if other not in (fold, held_out) for one in clips[normal, other]]
    standard = Standard.of(learned)
    network = train(recipe, standard, learned, None, lambda *_: None) if rebuild else None

    def remains(some: Sequence[np.ndarray]) -> list[Residual]:
        if network is not None:
            return residuals(network, standard, some)
        return [standard.frames(one.astype(np.float32)).reshape(-1, STEP_VALUES) for one in some]

    window = recipe.network.window_steps
    scoring = fit_scoring(remains(learned), remains(clips[normal, held_out]), window)

    def scores(some: Sequence[np.ndarray]) -> np.ndarray:
        return np.array([settled(scoring.spreads(one), window).max() for one in remains(some)])

    other = [one for (word, place), part in clips.items() if word != normal and place == fold for one in part]
    calm, odd = scores(clips[normal, fold]), scores(other)
    return area_under_curve((calm, np.arange(calm.size)), (odd, np.arange(odd.size))).value


def main() -> None:
    """Measure and print one JSON object a category, and their mean."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder in the layout of ESC-50")
    parser.add_argument("--recipe", default="anomaly", help="name or path")
    parser.add_argument("--epochs", type=int, default=12, help="instead of the recipe's: the clips are few")
    parser.add_argument("--folds", nargs="*", help="only these")
    options = parser.parse_args()
    recipe = load_anomaly_recipe(options.recipe)
    recipe = dataclasses.replace(recipe, training=dataclasses.replace(recipe.training, epochs=options.epochs))
    clips = load(options.data, recipe)
    folds = options.folds or sorted({fold for _, fold in clips})
    means: dict[str, list[float]] = {"autoencoder": [], "nothing rebuilt": []}
    for word in sorted({word for word, _ in clips}):
        found = {
            name: float(np.mean([area(clips, recipe, word, fold, rebuild=rebuild) for fold in folds]))
            for name, rebuild in (("autoencoder", True), ("nothing rebuilt", False))
        }
        for name, value in found.items():
            means[name].append(value)
        print(
            json.dumps({"normal": word} | {name: round(value, 3) for name, value in found.items()}),
            flush=True,
        )
    print(json.dumps({"mean": {name: round(float(np.mean(values)), 3) for name, values in means.items()}}))


if __name__ == "__main__":
    main()
