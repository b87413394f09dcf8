"""The estimators that take part, with the settings that are tried and what they would weigh."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from model_build.compare.contender import Plain
from model_build.compare.vectors import Values

FOREST_TREES: Final = 300
_TUNED_TREES: Final = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Method:
    """An estimator and how it is dealt with."""

    title: str
    make: Callable[[Plain, int], Any]
    """From settings and a seed; scikit-learn's interface."""
    usual: Plain
    """Settings with which the features are chosen."""
    final: Plain
    """Settings that differ once nothing is tuned any more."""
    grid: Mapping[str, Sequence[object]]
    """Settings that are tried on the chosen features, each with each."""
    posteriors: Callable[[Any, Values], Values]
    """(N, classes)"""
    form: Callable[[Any], tuple[str, int]]
    """What would be stored, and its bytes."""


def _svm(settings: Plain, seed: int) -> Any:
    from sklearn.svm import SVC

    width = float(str(settings["width"]))
    # The variance of a scaled vector is one, so "scale" is one over its length.
    return _Scaled(SVC, width, C=float(str(settings["C"])), cache_size=1000, random_state=seed)


class _Scaled:
    """A support vector machine whose kernel is ``width`` times as narrow as usual for the vectors' length."""

    def __init__(self, kind: Any, width: float, **options: Any) -> None:
        self._kind, self._width, self._options = kind, width, options

    def fit(self, x: Values, y: Any) -> Any:
        return self._kind(gamma=self._width / x.shape[1], **self._options).fit(x, y)


def _tree(settings: Plain, seed: int) -> Any:
    from sklearn.tree import DecisionTreeClassifier

    return DecisionTreeClassifier(
        ccp_alpha=float(str(settings["pruning"])),
        min_samples_leaf=int(str(settings["leaf"])),
        random_state=seed,
    )


def _forest(settings: Plain, seed: int) -> Any:
    from sklearn.ensemble import RandomForestClassifier

    return RandomForestClassifier(
        n_estimators=int(str(settings["trees"])),
        max_features=settings["looked_at"],
        min_samples_leaf=int(str(settings["leaf"])),
        random_state=seed,
        n_jobs=1,
    )


def _votes(estimator: Any, x: Values) -> Values:
    """Softmax of the one-against-the-rest decisions."""
    decisions = np.asarray(estimator.decision_function(x), dtype=np.float64)
    if decisions.ndim == 1:
        decisions = np.stack([-decisions, decisions], axis=1)
    raised = np.exp(decisions - decisions.max(axis=1, keepdims=True))
    return np.asarray(raised / raised.sum(axis=1, keepdims=True), dtype=np.float32)


def _parts(estimator: Any, x: Values) -> Values:
    return np.asarray(estimator.predict_proba(x), dtype=np.float32)


def _support(estimator: Any) -> tuple[str, int]:
    numbers = estimator.support_vectors_.size + estimator.dual_coef_.size + estimator.intercept_.size
    return "float32 support vectors", 4 * int(numbers)


def _nodes(trees: Sequence[Any]) -> tuple[str, int]:
    """Per inner node a feature, a threshold, two children; per leaf a value for each label."""
    inner = sum(int((tree.tree_.children_left >= 0).sum()) for tree in trees)
    leaves = sum(int((tree.tree_.children_left < 0).sum()) for tree in trees)
    return "float32 nodes", 16 * inner + 4 * leaves * int(trees[0].tree_.n_classes.max())


METHODS: Final[Mapping[str, Method]] = {
    "svm": Method(
        title="SVM (RBF)",
        make=_svm,
        usual={"C": 10.0, "width": 0.5},
        final={},
        grid={"C": (3.0, 10.0, 30.0), "width": (0.25, 0.5, 1.0, 2.0)},
        posteriors=_votes,
        form=_support,
    ),
    "tree": Method(
        title="decision tree",
        make=_tree,
        usual={"pruning": 1e-3, "leaf": 3},
        final={},
        grid={"pruning": (0.0, 3e-4, 1e-3, 3e-3), "leaf": (1, 3, 10)},
        posteriors=_parts,
        form=lambda estimator: _nodes([estimator]),
    ),
    "forest": Method(
        title="random forest",
        make=_forest,
        usual={"looked_at": "sqrt", "leaf": 1, "trees": _TUNED_TREES},
        final={"trees": FOREST_TREES},
        grid={"looked_at": ("sqrt", 0.15), "leaf": (1, 2, 4)},
        posteriors=_parts,
        form=lambda estimator: _nodes(estimator.estimators_),
    ),
}
