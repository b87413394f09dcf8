"""What all other reviews say of each one: whether what people said of windows can be believed.

The base's network, which has learned from no review, turns each window into a few numbers. On them a light
classifier learns what the base's examples are and what the other reviews say, and is asked of the one that it
has not seen. Honest reviews mostly agree with each other; of wrong ones nothing common can be learned.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from contract.manifest import is_target
from model_build.answers import Answers
from model_build.retrain.base import Base
from model_build.retrain.excerpts import clip_frames, cut, find_starts, is_lasting
from model_build.retrain.growth import known_network
from model_build.retrain.snapshot import Snapshot

MOST_WINDOWS = 5000
"""More reviews than these are not asked of: evenly drawn ones tell as much."""
LABEL_EXAMPLES = 150
"""Base examples of each label, at most."""
KNOWN_WEIGHT = 0.1
"""Of a base example, where a review has 1: the base shall help to judge reviews, not outvote them."""
STIFFNESS = 30.0
"""Of the ridge regression, in units of the mean weight of an example."""
_LEAST_SPREAD = 1e-3


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """One review beside what the others say of its window."""

    others: str | None
    """The label that the others give it; none: none of them"""
    doubt: float
    """How much more they are for another label than for what was said; above 0 they contradict it"""


def cross_check(base: Base, snapshot: Snapshot) -> dict[int, Checked]:
    """What the others say of each reviewed window by its place; at most ``MOST_WINDOWS``, of any split."""
    count = len(snapshot.label)
    windows = list(range(0, count, max(1, -(-count // MOST_WINDOWS))))
    if not windows:
        return {}
    others = Others(base)
    checked = others.check(others.heard(snapshot, windows), [snapshot.name(index) for index in windows])
    return dict(zip(windows, checked, strict=True))


class Others:
    """The base, which has learned from no review, and the reviews, each of which all others judge."""

    def __init__(self, base: Base) -> None:
        self._recipe, self._network = base.recipe, known_network(base)
        self._answers = Answers(self._hidden)
        rows = _some_known(base)
        self._truth = [_reported(base.labels[target]) for target in base.training.target[rows].tolist()]
        self._known = self._answers.to(base.training.features[rows])

    def heard(self, snapshot: Snapshot, windows: Sequence[int]) -> NDArray[np.float32]:
        """(N, D) what the base's network makes of ``windows`` before it names them."""
        length, lasting = clip_frames(self._recipe), is_lasting(self._recipe)
        starts = find_starts(self._recipe, snapshot, windows).tolist()
        clips = [
            cut(snapshot.window(index), start, length, lasting=lasting)
            for index, start in zip(windows, starts, strict=True)
        ]
        return self._answers.to(np.stack(clips))

    def check(self, heard: NDArray[np.float32], named: Sequence[str | None]) -> list[Checked]:
        """What all others say of each row of ``heard`` (N, D), which reviews have ``named``."""
        names = [_reported(name) for name in named]
        labels = sorted({*names, *self._truth}, key=lambda label: (label is not None, label or ""))
        said, truth = (np.array([labels.index(one) for one in many]) for many in (names, self._truth))
        scores = left_out_scores(heard, said, self._known, truth, len(labels))
        rows = np.arange(len(names))
        own = scores[rows, said]
        scores[rows, said] = -np.inf
        best = scores.argmax(axis=1)
        doubts = scores[rows, best] - own
        return [
            Checked(others=labels[other] if doubt > 0 else name, doubt=doubt)
            for other, doubt, name in zip(best.tolist(), doubts.tolist(), names, strict=True)
        ]

    def _hidden(self, features: Any) -> Any:
        """(N, hidden + dense) the LSTM's end, and the mean of its input."""
        network = self._network
        stem = network.stem(network.normalize(features))
        pooled = network.pool(network.lstm(stem))
        return tf.concat([pooled[:, -1], tf.reduce_mean(stem, axis=1)], axis=1)


def left_out_scores(
    reviewed: NDArray[np.floating],
    said: NDArray[np.int64],
    known: NDArray[np.floating],
    truth: NDArray[np.int64],
    labels: int,
) -> NDArray[np.float64]:
    """(N, labels) what a ridge regression says of each row of ``reviewed`` (N, D) that it has not seen.

    It is fitted to all other rows as ``said`` (N,), and to ``known`` (M, D) as they are, ``truth`` (M,). The
    fit without one row follows from the fit with all of them: nothing is fitted twice.
    """
    middle, spread = known.mean(axis=0), known.std(axis=0) + _LEAST_SPREAD
    rows = np.concatenate([reviewed, known]).astype(np.float64)
    rows = np.concatenate([(rows - middle) / spread, np.ones((len(rows), 1))], axis=1)
    hot = np.eye(labels)[np.concatenate([said, truth])]
    weight = weights_of(hot, len(reviewed))
    gram = (rows * weight[:, None]).T @ rows
    gram[np.diag_indices(len(gram) - 1)] += STIFFNESS
    asked = rows[: len(reviewed)]
    reach = asked @ np.linalg.inv(gram)
    fitted = reach @ ((rows * weight[:, None]).T @ hot)
    leverage = np.einsum("ij,ij->i", reach, asked) * weight[: len(reviewed)]
    # The fit without a row: its own part is taken out of what is said of it.
    return np.asarray((fitted - leverage[:, None] * hot[: len(reviewed)]) / (1 - leverage)[:, None])


def weights_of(hot: NDArray[np.float64], reviewed: int) -> NDArray[np.float64]:
    """(N + M,) weight of each row of ``hot`` (N + M, labels), the first N of which were ``reviewed``.

    A rare label's rows count more, but not so much that it counts as a frequent one.
    """
    weight = np.where(np.arange(len(hot)) < reviewed, 1.0, KNOWN_WEIGHT)
    amount = weight @ hot
    weight = weight / np.sqrt(hot @ amount)
    return np.asarray(weight / weight.mean())


def _some_known(base: Base) -> NDArray[np.int64]:
    """Plain base examples, evenly drawn of each label."""
    plain = np.flatnonzero(base.training.copy == 0)
    target = base.training.target[plain]
    parts = []
    for label in range(len(base.labels)):
        own = plain[target == label]
        parts.append(own[:: max(1, -(-len(own) // LABEL_EXAMPLES))])
    return np.sort(np.concatenate(parts))


def _reported(label: str | None) -> str | None:
    return label if label is not None and is_target(label) else None
