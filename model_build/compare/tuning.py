"""Settings judged on groups of the training examples that were kept apart. No judged clip takes part."""

from typing import Final

import numpy as np

from model_build.compare.bench import Lessons
from model_build.compare.contender import Plain
from model_build.compare.method import Method
from model_build.compare.vectors import Indices, Vectors, vectors
from model_build.recipe import Recipe

FOLDS: Final = 3
MOST_TUNED: Final = 2_500
"""Recordings that take part."""


class Tuning:
    """Accuracy of settings, by cross-validation over groups."""

    def __init__(self, recipe: Recipe, lessons: Lessons) -> None:
        self._recipe, self._lessons = recipe, lessons
        self._kept: dict[str, Vectors] = {}

    def accuracy(self, method: Method, settings: Plain) -> float:
        """Part of the recordings that are named rightly by an estimator that did not learn their group."""
        from sklearn.model_selection import GroupKFold

        have = self._vectors(settings)
        if np.unique(have.groups[have.real]).size < 2:
            # One speaker or fold: nothing could be kept apart, and the first of all settings will do.
            return 0.0
        folds = GroupKFold(min(FOLDS, np.unique(have.groups).size))
        right = count = 0
        for learned, held in folds.split(have.x, have.y, have.groups):
            ours, theirs = have.only(learned), have.only(held[have.real[held]])
            centre, scale = ours.x.mean(axis=0), ours.x.std(axis=0) + 1e-6
            estimator = method.make(settings, 0).fit((ours.x - centre) / scale, ours.y)
            found = method.pack(estimator).posteriors((theirs.x - centre) / scale)
            right += int((estimator.classes_[found.argmax(axis=1)] == theirs.y).sum())
            count += theirs.y.size
        return right / count

    def _vectors(self, settings: Plain) -> Vectors:
        key = str([settings[name] for name in ("cepstra", "parts", "copies")])
        if key not in self._kept:
            made = vectors(self._recipe, self._lessons, settings, seed=0)
            self._kept = {key: made.only(np.isin(made.groups, some_groups(made.groups[made.real])))}
        return self._kept[key]


def some_groups(groups: Indices, examples: int = MOST_TUNED) -> Indices:
    """Groups, in a fixed order of chance, that hold about so many ``examples`` together; at least two.

    >>> some_groups(np.array([0, 0, 1, 1, 2, 2]), examples=3).size
    2
    """
    order = np.random.default_rng(0).permutation(np.unique(groups))
    sizes = np.array([(groups == group).sum() for group in order])
    return np.asarray(order[: max(2, int(np.searchsorted(np.cumsum(sizes), examples)) + 1)])
