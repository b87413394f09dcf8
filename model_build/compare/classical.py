"""Contenders that learn from vectors: support vector machine, decision tree, random forest."""

from itertools import product

import numpy as np
from numpy.typing import NDArray

from model_build.compare.bench import Clips, Lessons, frames_of, seconds_of
from model_build.compare.contender import Form, Plain
from model_build.compare.cost import processor_ms
from model_build.compare.method import Method
from model_build.compare.pooled import pooled
from model_build.compare.tuning import Tuning
from model_build.compare.vectors import Values, Vectors, feature_settings, pooling_of, vectors
from model_build.compare.windows import STEPS_PER_DECISION, judge_along
from model_build.dataset import Progress
from model_build.recipe import Recipe
from model_build.shape import STEP_FRAMES

MOST_COPIES = 8
TIMED_CLIPS = 20


class Classical:
    """A method that learns from vectors."""

    def __init__(self, method: Method, recipe: Recipe) -> None:
        self._method, self._recipe = method, recipe
        self._title = method.title
        self.copies = min(recipe.augment.copies, MOST_COPIES)

    def tune(self, lessons: Lessons, progress: Progress) -> Plain:
        """Choose features and copies with the usual settings, then settings with those features."""
        method, tuning = self._method, Tuning(self._recipe, lessons)
        features = list(feature_settings(lessons))
        grid = [dict(zip(method.grid, row, strict=True)) for row in product(*method.grid.values())]
        best, best_right = {**features[0], **method.usual}, -1.0
        for index, choice in enumerate([*features, *grid]):
            tried = {**best, **choice}
            right = tuning.accuracy(method, tried)
            if right > best_right:
                best, best_right = tried, right
            progress(f"tuning {self._title} ({best_right:.1%})", index + 1, len(features) + len(grid))
        return {**best, "tuning_accuracy": best_right}

    def fit(self, lessons: Lessons, settings: Plain, seed: int, progress: Progress) -> "FittedVectors":
        """Learn from everything with the tuned settings."""
        progress(f"fitting {self._title}", 0, 1)
        fitted = FittedVectors(
            self._method, self._recipe, {**settings, **self._method.final},
            vectors(self._recipe, lessons, settings, seed), seed,
        )  # fmt: skip
        progress(f"fitting {self._title}", 1, 1)
        return fitted


class FittedVectors:
    """A fitted estimator and the way to its vectors."""

    step_s = seconds_of(STEP_FRAMES * STEPS_PER_DECISION)

    def __init__(self, method: Method, recipe: Recipe, settings: Plain, learned: Vectors, seed: int) -> None:
        self._recipe = recipe
        self._pooling = pooling_of(settings, recipe)
        self._centre, self._scale = learned.x.mean(axis=0), learned.x.std(axis=0) + 1e-6
        estimator = method.make(settings, seed).fit((learned.x - self._centre) / self._scale, learned.y)
        self._labels = estimator.classes_
        self._packed = method.pack(estimator)

    def decide(self, clips: Clips) -> NDArray[np.int64]:
        """(N,) the likeliest label of each whole clip."""
        return np.asarray(self._judge(clips.features).argmax(axis=1))

    def follow(self, features: NDArray[np.int8]) -> Values:
        """(N, decisions, K) posteriors of the last ``clip_s``."""
        frames = frames_of(self._recipe.clip_s)
        return judge_along(self._judge, features, frames, STEP_FRAMES * STEPS_PER_DECISION)

    def forms(self, clips: Clips) -> tuple[Form, ...]:
        """As it is, with pooling and decision repeated for every window."""
        items = [clips.features[index : index + 1] for index in range(min(TIMED_CLIPS, clips.truth.size))]
        decision_ms = processor_ms(self._judge, items)
        return (
            Form(
                name=self._packed.form,
                size_bytes=self._packed.size_bytes + 4 * (self._centre.size + self._scale.size),
                stream_ms=decision_ms / seconds_of(STEP_FRAMES),
                decision_ms=decision_ms,
            ),
        )

    def _judge(self, features: NDArray[np.int8]) -> Values:
        x = (pooled(features, self._pooling) - self._centre) / self._scale
        # A label without an example has no column.
        posteriors = np.zeros((x.shape[0], len(self._recipe.labels)), np.float32)
        posteriors[:, self._labels] = self._packed.posteriors(x)
        return posteriors
