"""What a network in float makes of feature tensors, many of one length at once."""

from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from contract.audio import MEL_BINS
from model_build.network import Network

_AT_ONCE = 64


class Answers:
    """``compute`` as a graph for each length: a network unrolls its steps, and must know how many."""

    def __init__(self, compute: Callable[[Any], Any]) -> None:
        self._compute = compute
        self._graphs: dict[int, Any] = {}

    def to(self, features: NDArray[np.int8]) -> NDArray[np.float32]:
        """(N, ...) what it makes of ``features`` (N, T, MEL_BINS), one of them at least."""
        graph = self._graph(features.shape[1])
        blocks = (features[at : at + _AT_ONCE] for at in range(0, len(features), _AT_ONCE))
        return np.concatenate([graph(block.astype(np.float32)).numpy() for block in blocks])

    def _graph(self, frames: int) -> Any:
        if frames not in self._graphs:
            takes = [tf.TensorSpec([None, frames, MEL_BINS], tf.float32)]
            self._graphs[frames] = tf.function(self._compute, autograph=False, input_signature=takes)
        return self._graphs[frames]


def posteriors_of(network: Network) -> Answers:
    """(N, steps, K) posteriors of ``network``, as its weights are when it is asked."""
    return Answers(lambda features: tf.nn.softmax(network.logits(features, training=False)))
