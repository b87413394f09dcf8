"""What all other reviews say of each one: whether what people said of windows can be believed.

The base's network, which has learned from no review, turns each window into a few numbers. On them a light
classifier learns what the base's examples are and what the other reviews say, and is asked of the one that it
has not seen. Honest reviews mostly agree with each other; of wrong ones nothing common can be learned.
"""

from dataclasses import dataclass

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from contract.audio import MEL_BINS
from contract.manifest import is_target
from model_build.network import Network
from model_build.recipe import Recipe
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
_STIFFNESS = 30.0
"""Of the ridge regression, in units of the mean weight of an example."""
_LEAST_SPREAD = 1e-3
_AT_ONCE = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """One review beside what the others say of its window."""

    window: int
    """Index in the snapshot"""
    others: str | None
    """The label that the others give it; none: none of them"""
    doubt: float
    """How much more they are for that than for what was said; below 0 where they say the same"""


def cross_check(base: Base, snapshot: Snapshot) -> list[Checked]:
    """What the others say of each reviewed window, of at most ``MOST_WINDOWS``, whatever its split."""
    count = len(snapshot.label)
    windows = np.arange(count)[:: max(1, -(-count // MOST_WINDOWS))]
    if not len(windows):
        return []
    rows = _some_known(base)
    named = [_reported(snapshot.name(index)) for index in windows.tolist()]
    known = [_reported(base.labels[target]) for target in base.training.target[rows].tolist()]
    labels = sorted({*named, *known}, key=lambda label: (label is not None, label or ""))
    ear = _Ear(known_network(base))
    scores = left_out_scores(
        ear.hear(_clips(base.recipe, snapshot, windows)),
        np.array([labels.index(label) for label in named]),
        ear.hear(base.training.features[rows]),
        np.array([labels.index(label) for label in known]),
        len(labels),
    )
    said = np.array([labels.index(label) for label in named])
    places = np.arange(len(windows))
    own = scores[places, said]
    scores[places, said] = -np.inf
    best = scores.argmax(axis=1)
    doubts = scores[places, best] - own
    return [
        Checked(window=window, others=labels[best_ if doubt > 0 else said_], doubt=doubt)
        for window, best_, said_, doubt in zip(
            windows.tolist(), best.tolist(), said.tolist(), doubts.tolist(), strict=True
        )
    ]


def left_out_scores(
    reviewed: NDArray[np.floating],
    said: NDArray[np.int64],
    known: NDArray[np.floating],
    truth: NDArray[np.int64],
    labels: int,
) -> NDArray[np.float64]:
    """(N, labels) what a ridge regression says of each row of ``reviewed`` (N, D) that it has not seen.

    It is fitted to all other rows as ``said`` (N,), and to ``known`` (M, D) as they are (``truth``, (M,)). The
    fit without one row follows from the fit with all of them: nothing is fitted twice.
    """
    middle, spread = known.mean(axis=0), known.std(axis=0) + _LEAST_SPREAD
    rows = np.concatenate([reviewed, known]).astype(np.float64)
    rows = np.concatenate([(rows - middle) / spread, np.ones((len(rows), 1))], axis=1)
    hot = np.eye(labels)[np.concatenate([said, truth])]
    weight = _weights(hot, len(reviewed))
    gram = (rows * weight[:, None]).T @ rows
    gram[np.diag_indices(len(gram) - 1)] += _STIFFNESS
    asked = rows[: len(reviewed)]
    reach = asked @ np.linalg.inv(gram)
    fitted = reach @ ((rows * weight[:, None]).T @ hot)
    leverage = np.einsum("ij,ij->i", reach, asked) * weight[: len(reviewed)]
    # The fit without a row: its own part is taken out of what is said of it.
    return np.asarray((fitted - leverage[:, None] * hot[: len(reviewed)]) / (1 - leverage)[:, None])


def _weights(hot: NDArray[np.float64], reviewed: int) -> NDArray[np.float64]:
    """Of each row; a rare label's rows count more, but not so much that it counts as a frequent one."""
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


def _clips(recipe: Recipe, snapshot: Snapshot, windows: NDArray[np.int64]) -> NDArray[np.int8]:
    """(N, T, MEL_BINS) where in each window its label sounds, if one does."""
    length, lasting = clip_frames(recipe), is_lasting(recipe)
    starts = find_starts(recipe, snapshot, windows.tolist())
    return np.stack([
        cut(snapshot.window(index), start, length, lasting=lasting)
        for index, start in zip(windows.tolist(), starts.tolist(), strict=True)
    ])  # fmt: skip


def _reported(label: str | None) -> str | None:
    return label if label is not None and is_target(label) else None


class _Ear:
    """What a network makes of clips before it names them."""

    def __init__(self, network: Network) -> None:
        self._network = network

    def hear(self, clips: NDArray[np.int8]) -> NDArray[np.float32]:
        """(N, dense + hidden) of ``clips`` (N, T, MEL_BINS): the end of the LSTM, and the mean of its input."""
        takes = [tf.TensorSpec([None, clips.shape[1], MEL_BINS], tf.float32)]
        answer = tf.function(self._hidden, autograph=False, input_signature=takes)
        blocks = range(0, len(clips), _AT_ONCE)
        return np.concatenate([answer(clips[at : at + _AT_ONCE].astype(np.float32)).numpy() for at in blocks])

    def _hidden(self, features: tf.Tensor) -> tf.Tensor:
        network = self._network
        stem = network.stem(network.normalize(features))
        pooled = network.pool(network.lstm(stem))
        return tf.concat([pooled[:, -1], tf.reduce_mean(stem, axis=1)], axis=1)
