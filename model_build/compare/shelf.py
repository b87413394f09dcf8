"""The templates of every label, and how far sounds are from them."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from model_build.compare.bench import Lessons
from model_build.compare.dtw import medoids, warped_distances
from model_build.compare.endpoints import level_db, sequences
from model_build.compare.vectors import Indices, Values
from model_build.recipe import Recipe

BAND: Final = 5
POOL: Final = 60
"""Examples of a label that its templates are chosen from."""
_AT_ONCE = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Shelf:
    """Typical sounds."""

    templates: Values
    """(M, LENGTH, D)"""
    labels: Indices
    """(M,)"""
    usual: Values
    """(M,) distance of all kinds of examples from each template, the unit of its distances

    Without it whatever is even, like noise, is near to everything.
    """
    centred: bool
    least_db: float
    """A clip whose loudest frame is below is silent."""

    def distances(self, features: NDArray[np.int8], labels: int) -> Values:
        """(N, K) distance to each label's nearest template."""
        blocks = [features[start : start + _AT_ONCE] for start in range(0, len(features), _AT_ONCE)]
        return np.concatenate([self._nearest(block, labels) for block in blocks])

    def _nearest(self, features: NDArray[np.int8], labels: int) -> Values:
        heard = sequences(features, centred=self.centred)
        apart = warped_distances(heard, self.templates, BAND) / self.usual
        nearest = np.full((len(features), labels), np.inf, np.float32)
        for label in np.unique(self.labels):
            nearest[:, label] = apart[:, self.labels == label].min(axis=1)
        return nearest


def fill(
    recipe: Recipe, lessons: Lessons, teaches: NDArray[np.bool_], *, centred: bool, count: int, seed: int
) -> Shelf:
    """The most typical ``count`` of up to ``POOL`` examples of each label."""
    draw = np.random.default_rng(seed)
    targets = lessons.plain.targets[:, -1]
    pools, templates, labels, peaks = [], [], [], []
    for label, name in enumerate(recipe.labels):
        rows = draw.permutation(np.flatnonzero(teaches & (targets == label)))[:POOL]
        if not rows.size:
            continue
        have = sequences(lessons.plain.features[rows], centred=centred)
        chosen = medoids(warped_distances(have, have, BAND), count)
        pools.append(have)
        templates.append(have[chosen])
        labels += [label] * len(chosen)
        if name != recipe.silence:
            peaks.append(level_db(lessons.plain.features[rows]).max(axis=1))
    standing = np.concatenate(templates)
    return Shelf(
        templates=standing,
        labels=np.array(labels),
        usual=_usual(np.concatenate(pools), standing),
        centred=centred,
        least_db=float(np.percentile(np.concatenate(peaks), 1)),
    )


def _usual(pool: Values, templates: Values) -> Values:
    """(M,) median distance from each template; a lone example is at no distance from itself."""
    blocks = [pool[start : start + _AT_ONCE] for start in range(0, len(pool), _AT_ONCE)]
    apart = np.concatenate([warped_distances(block, templates, BAND) for block in blocks])
    return np.asarray(np.maximum(np.median(apart, axis=0), 1e-3))
