"""Decision trees as flat arrays of nodes, walked as a device would: no object per tree, no copy per call."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from model_build.compare.vectors import Indices, Values


class Nodes:
    """Trees of scikit-learn laid out one after the other."""

    def __init__(self, trees: Sequence[Any]) -> None:
        inner = [tree.tree_ for tree in trees]
        starts = np.cumsum([0, *(tree.node_count for tree in inner)])
        self._roots: Indices = starts[:-1]
        self._feature = np.concatenate([np.maximum(tree.feature, 0) for tree in inner])
        # scikit-learn compares float32 values with float64 thresholds; so must this.
        self._threshold: NDArray[np.float64] = np.concatenate([tree.threshold for tree in inner])
        # A leaf leads to itself, so that all walks may take equally many steps.
        pairs = zip(inner, starts, strict=False)
        self._children = np.concatenate([_children(tree, start) for tree, start in pairs])
        votes = np.concatenate([tree.value[:, 0] for tree in inner])
        self._votes: Values = (votes / votes.sum(axis=1, keepdims=True)).astype(np.float32)
        self._depth = max(tree.max_depth for tree in inner)
        self.leaves = sum(int((tree.children_left < 0).sum()) for tree in inner)
        self.inner = int(starts[-1]) - self.leaves
        self.classes = self._votes.shape[1]

    def posteriors(self, x: Values) -> Values:
        """(N, classes) mean of the trees' votes for vectors (N, D)."""
        places = np.broadcast_to(self._roots, (x.shape[0], self._roots.size))
        rows = np.arange(x.shape[0])[:, None]
        for _ in range(self._depth):
            right = x[rows, self._feature[places]] > self._threshold[places]
            places = self._children[places, right.astype(np.int64)]
        return np.asarray(self._votes[places].mean(axis=1))


def _children(tree: Any, start: int) -> Indices:
    """(nodes, 2) place of what lies left and right of each node."""
    own = np.arange(tree.node_count)
    pair = np.stack([tree.children_left, tree.children_right], axis=1)
    return np.asarray(np.where(pair < 0, own[:, None], pair) + start)
