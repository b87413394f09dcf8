"""Examples as vectors, with what tuning has to know of them."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from typing import Final

import numpy as np
from numpy.typing import NDArray

from model_build.compare.bench import Lessons
from model_build.compare.contender import Plain
from model_build.compare.pooled import Pooling, pooled
from model_build.examples import ExampleSet, distort
from model_build.recipe import Recipe

Values = NDArray[np.float32]
Indices = NDArray[np.int64]

COPIES: Final = ("none", "varied", "varied and distorted")
"""What is learned from beside the plain examples."""
MOST_EXAMPLES: Final = 18_000
"""Beyond this a support vector machine learns for hours."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Vectors:
    """N examples as vectors of D values."""

    x: Values
    """(N, D)"""
    y: Indices
    """(N,) index of each label"""
    groups: Indices
    """(N,) speaker or fold"""
    real: NDArray[np.bool_]
    """(N,) whether it is a recording of the data set, as it was recorded"""

    def only(self, rows: NDArray[np.bool_] | Indices) -> "Vectors":
        """These examples."""
        return Vectors(x=self.x[rows], y=self.y[rows], groups=self.groups[rows], real=self.real[rows])


def vectors(recipe: Recipe, lessons: Lessons, settings: Plain, seed: int) -> Vectors:
    """What ``settings`` make of ``lessons``."""
    draw = np.random.default_rng(seed)
    size, frames, _ = lessons.plain.features.shape
    copies = lessons.copies[: max(1, MOST_EXAMPLES // size - 1)] if settings["copies"] != COPIES[0] else ()
    sets = [lessons.plain, *copies]
    made = []
    for index, part in enumerate(sets):
        features = part.features[:, -frames:]
        if index and settings["copies"] == COPIES[2]:
            features = distort(features, recipe, draw).round().astype(np.int8)
        made.append(pooled(features, pooling_of(settings, recipe)))
    return Vectors(
        x=np.concatenate(made),
        y=np.concatenate([part.targets[:, -1] for part in sets]),
        groups=np.concatenate([_groups(part, lessons.groups) for part in sets]),
        real=np.concatenate([(part.sources[:, -1] >= 0) & (not index) for index, part in enumerate(sets)]),
    )


def pooling_of(settings: Plain, recipe: Recipe) -> Pooling:
    """The pooling that ``settings`` name."""
    gate_db = recipe.decision.clip_gate_db
    return Pooling(cepstra=settings["cepstra"] is True, parts=int(str(settings["parts"])), gate_db=gate_db)


def feature_settings(lessons: Lessons) -> Iterator[dict[str, object]]:
    """All that is tried of features and copies."""
    for cepstra, parts, copies in product((True, False), (3, 8), COPIES if lessons.copies else COPIES[:1]):
        yield {"cepstra": cepstra, "parts": parts, "copies": copies}


def _groups(part: ExampleSet, groups: Indices) -> Indices:
    """(N,) group of each example's last clip; what was made gets groups in turn."""
    source = part.sources[:, -1]
    made = np.arange(source.size) % (groups.max() + 1)
    return np.where(source < 0, made, groups[np.maximum(source, 0)])
