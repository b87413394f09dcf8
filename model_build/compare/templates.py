"""Rule-based recognition as it was before learning: an energy gate, and warped templates."""

from itertools import product
from typing import Final

import numpy as np
from numpy.typing import NDArray

from model_build.compare.bench import Clips, Lessons, frames_of, seconds_of
from model_build.compare.contender import Form, Plain
from model_build.compare.cost import processor_ms
from model_build.compare.endpoints import level_db
from model_build.compare.shelf import Shelf, fill
from model_build.compare.vectors import Indices, Values
from model_build.compare.windows import STEPS_PER_DECISION, judge_along
from model_build.dataset import Progress
from model_build.recipe import Recipe
from model_build.shape import STEP_FRAMES

TITLE: Final = "templates (MFCC, DTW)"
JUDGED: Final = 800
"""Examples that settings are tried on."""
SHARPNESSES: Final = (5.0, 10.0, 20.0, 40.0)
PENALTIES: Final = (-0.2, -0.1, 0.0, 0.1, 0.2, 0.4)
"""Added to the distance of everything that is no target, so that it is taken less or more often."""
_TIMED = 20


class Templates:
    """Learns nothing but which examples are typical, and when silence is silent."""

    copies = 0

    def __init__(self, recipe: Recipe) -> None:
        self._recipe = recipe

    def tune(self, lessons: Lessons, progress: Progress) -> Plain:
        """Number of templates and the numbers of the rule, on groups that gave no template."""
        groups = lessons.groups[np.maximum(lessons.plain.sources[:, -1], 0)]
        made = lessons.plain.sources[:, -1] < 0
        groups = np.where(made, np.arange(groups.size), groups)
        ranks = np.unique(groups, return_inverse=True)[1]
        teaches = ranks % 3 != 2
        tried = [*product((True, False), (2, 4, 8, 16))]
        best: dict[str, object] = {}
        best_right = -1.0
        for index, (centred, count) in enumerate(tried):
            shelf = fill(self._recipe, lessons, teaches, centred=centred, count=count, seed=0)
            rows = np.flatnonzero(~teaches if (~teaches & ~made).any() else ~made)
            rows = np.random.default_rng(0).permutation(rows)[:JUDGED]
            features, truth = lessons.plain.features[rows], lessons.plain.targets[rows, -1]
            right, penalty, sharpness = _best_rule(self._recipe, shelf, features, truth)
            if right > best_right:
                best_right = right
                best = {"centred": centred, "count": count, "penalty": penalty, "sharpness": sharpness}
            progress(f"tuning {TITLE} ({best_right:.1%})", index + 1, len(tried))
        return {**best, "tuning_accuracy": best_right}

    def fit(self, lessons: Lessons, settings: Plain, seed: int, progress: Progress) -> "FittedTemplates":
        """Choose templates from all examples."""
        every = np.ones(lessons.plain.features.shape[0], np.bool_)
        shelf = fill(
            self._recipe, lessons, every,
            centred=settings["centred"] is True, count=int(str(settings["count"])), seed=seed,
        )  # fmt: skip
        progress(f"fitting {TITLE}", 1, 1)
        return FittedTemplates(
            self._recipe, shelf, float(str(settings["penalty"])), float(str(settings["sharpness"]))
        )


class FittedTemplates:
    """Templates and the rule."""

    step_s = seconds_of(STEP_FRAMES * STEPS_PER_DECISION)

    def __init__(self, recipe: Recipe, shelf: Shelf, penalty: float, sharpness: float) -> None:
        self._recipe, self._shelf = recipe, shelf
        self._penalty, self._sharpness = penalty, sharpness

    def decide(self, clips: Clips) -> NDArray[np.int64]:
        """(N,) the likeliest label of each whole clip."""
        return np.asarray(self._judge(clips.features).argmax(axis=1))

    def follow(self, features: NDArray[np.int8]) -> Values:
        """(N, decisions, K) posteriors of the last ``clip_s``."""
        frames = frames_of(self._recipe.clip_s)
        return judge_along(self._judge, features, frames, STEP_FRAMES * STEPS_PER_DECISION)

    def forms(self, clips: Clips) -> tuple[Form, ...]:
        """Templates as float32; cepstra and warping repeated for every window."""
        items = [clips.features[index : index + 1] for index in range(min(_TIMED, clips.truth.size))]
        decision_ms = processor_ms(self._judge, items)
        return (
            Form(
                name="float32 templates",
                size_bytes=4 * self._shelf.templates.size,
                stream_ms=decision_ms / seconds_of(STEP_FRAMES),
                decision_ms=decision_ms,
            ),
        )

    def _judge(self, features: NDArray[np.int8]) -> Values:
        distances = self._shelf.distances(features, len(self._recipe.labels))
        return _rule(self._recipe, self._shelf, features, distances, self._penalty, self._sharpness)


def _rule(
    recipe: Recipe,
    shelf: Shelf,
    features: NDArray[np.int8],
    distances: Values,
    penalty: float,
    sharpness: float,
) -> Values:
    """Nearest label, silence below the energy gate; posteriors by a softmax of the distances."""
    other = np.arange(len(recipe.labels)) >= len(recipe.targets)
    scores = -sharpness * (distances + penalty * other)
    scores -= scores.max(axis=1, keepdims=True)
    posteriors = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    silent = level_db(features).max(axis=1) < shelf.least_db
    posteriors[silent] = np.eye(len(recipe.labels), dtype=np.float32)[recipe.labels.index(recipe.silence)]
    return np.asarray(posteriors, dtype=np.float32)


def _best_rule(
    recipe: Recipe, shelf: Shelf, features: NDArray[np.int8], truth: Indices
) -> tuple[float, float, float]:
    """Accuracy, penalty and sharpness: most right, and then the likeliest posteriors."""
    distances = shelf.distances(features, len(recipe.labels))
    rated = []
    for penalty, sharpness in product(PENALTIES, SHARPNESSES):
        posteriors = _rule(recipe, shelf, features, distances, penalty, sharpness)
        right = float((posteriors.argmax(axis=1) == truth).mean())
        likely = float(np.log(np.maximum(posteriors[np.arange(truth.size), truth], 1e-6)).mean())
        rated.append((right, likely, penalty, sharpness))
    right, _, penalty, sharpness = max(rated)
    return right, penalty, sharpness
