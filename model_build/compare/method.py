"""The estimators that take part, with the settings that are tried and what they would weigh."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

import numpy as np

from model_build.compare.contender import Plain
from model_build.compare.nodes import Nodes
from model_build.compare.vectors import Values

FOREST_TREES: Final = 300
_TUNED_TREES: Final = 100


class Packed(Protocol):
    """A fitted estimator, reduced to what it takes to decide."""

    form: str
    """Arithmetic and storage."""
    size_bytes: int

    def posteriors(self, x: Values) -> Values:
        """(N, classes) from scaled vectors (N, D)."""
        ...


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
    pack: Callable[[Any], Packed]
    """From a fitted estimator."""


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


class _Support:
    """A support vector machine, decided by libsvm."""

    form = "float32 support vectors"

    def __init__(self, estimator: Any) -> None:
        self._estimator = estimator
        numbers = estimator.support_vectors_.size + estimator.dual_coef_.size + estimator.intercept_.size
        self.size_bytes = 4 * int(numbers)

    def posteriors(self, x: Values) -> Values:
        """Softmax of the one-against-the-rest decisions."""
        decisions = np.asarray(self._estimator.decision_function(x), dtype=np.float64)
        if decisions.ndim == 1:
            decisions = np.stack([-decisions, decisions], axis=1)
        raised = np.exp(decisions - decisions.max(axis=1, keepdims=True))
        return np.asarray(raised / raised.sum(axis=1, keepdims=True), dtype=np.float32)


class _Trees:
    """Trees as arrays: a feature, a threshold, two children per inner node; a value per label and leaf."""

    form = "float32 nodes"

    def __init__(self, trees: Sequence[Any]) -> None:
        self._nodes = Nodes(trees)
        self.size_bytes = 16 * self._nodes.inner + 4 * self._nodes.classes * self._nodes.leaves

    def posteriors(self, x: Values) -> Values:
        """Mean of the leaves' shares."""
        return self._nodes.posteriors(x)


METHODS: Final[Mapping[str, Method]] = {
    "svm": Method(
        title="SVM (RBF)",
        make=_svm,
        usual={"C": 10.0, "width": 0.5},
        final={},
        grid={"C": (3.0, 10.0, 30.0), "width": (0.25, 0.5, 1.0, 2.0)},
        pack=_Support,
    ),
    "tree": Method(
        title="decision tree",
        make=_tree,
        usual={"pruning": 1e-3, "leaf": 3},
        final={},
        grid={"pruning": (0.0, 3e-4, 1e-3, 3e-3), "leaf": (1, 3, 10)},
        pack=lambda estimator: _Trees([estimator]),
    ),
    "forest": Method(
        title="random forest",
        make=_forest,
        usual={"looked_at": "sqrt", "leaf": 1, "trees": _TUNED_TREES},
        final={"trees": FOREST_TREES},
        grid={"looked_at": ("sqrt", 0.15), "leaf": (1, 2, 4)},
        pack=lambda estimator: _Trees(estimator.estimators_),
    ),
}
