"""A network that learns labels beside those it knows, and what it knew as its own teacher."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from contract.manifest import is_target
from model_build.errors import BaseArchiveError
from model_build.network import Network
from model_build.recipe import Recipe
from model_build.retrain.base import Base

RATE_PART = 0.4
"""Of the recipe's peak rate: what is known already shall not be learned from nothing."""
EPOCHS_PART = 0.25
"""Of the recipe's epochs, unless those have too few steps."""
LEAST_STEPS = 1000
"""With half as many steps of the optimizer a new label is found less often, and its neighbour lost."""
_FAINT = 0.01
_NEVER = -20.0
"""Logit of a label that the teacher does not know."""


def grown_targets(targets: Sequence[str], labels: Sequence[str]) -> tuple[str, ...]:
    """``targets``, then what else of ``labels`` can be detected.

    >>> grown_targets(["yes", "no"], ["go", "yes", "_unknown_"])
    ('yes', 'no', 'go')
    """
    return (*targets, *(label for label in labels if is_target(label) and label not in targets))


def enough_epochs(recipe: Recipe, batches: int) -> int:
    """Epochs of so many batches that are enough to learn new labels to what ``recipe`` made.

    >>> from model_build.recipe import load_recipe
    >>> enough_epochs(load_recipe("keywords"), 40), enough_epochs(load_recipe("keywords"), 10)
    (25, 100)
    """
    return max(round(EPOCHS_PART * recipe.training.epochs), -(-LEAST_STEPS // batches))


def learning_recipe(base: Recipe, labels: Sequence[str], version: str, epochs: int) -> Recipe:
    """The recipe for learning ``labels`` too: shorter, at a lower rate, one network."""
    training = dataclasses.replace(
        base.training,
        network_seeds=base.training.network_seeds[:1],
        epochs=epochs,
        peak_rate=RATE_PART * base.training.peak_rate,
    )
    return dataclasses.replace(
        base, version=version, targets=grown_targets(base.targets, labels), training=training
    )


def known_network(base: Base) -> Network:
    """The base's network as it is."""
    network = Network(base.recipe.network, len(base.labels), 0)
    _assign(network, base.weights)
    return network


def grown_network(base: Base, recipe: Recipe, seed: int) -> Network:
    """The base's network with an output for each label of ``recipe``; new ones say nothing yet."""
    network = Network(recipe.network, len(recipe.labels), seed)
    draw = np.random.default_rng(seed)
    old = base.weights["out"]
    out = draw.normal(0.0, _FAINT, (old.shape[0], len(recipe.labels))).astype(np.float32)
    bias = np.full(len(recipe.labels), float(base.weights["out_bias"].min()), np.float32)
    for index, label in enumerate(base.labels):
        place = recipe.labels.index(label)
        out[:, place], bias[place] = old[:, index], base.weights["out_bias"][index]
    _assign(network, {**base.weights, "out": out, "out_bias": bias})
    return network


class OldKnowledge:
    """The base's network as a teacher of a grown one: to new labels it gives nothing."""

    weights: dict[str, Any]
    moments: dict[str, Any]

    def __init__(self, base: Base, recipe: Recipe) -> None:
        self._network = known_network(base)
        self.weights, self.moments = self._network.weights, self._network.moments
        places = [recipe.labels.index(label) for label in base.labels]
        self._spread = np.eye(len(recipe.labels), dtype=np.float32)[places]
        self._absent = np.where(self._spread.any(axis=0), 0.0, _NEVER).astype(np.float32)

    def logits(self, features: Any, *, training: bool, dropout: float = 0.0) -> Any:  # noqa: ARG002
        """(N, steps, K) with a column for each label of the grown network."""
        return tf.tensordot(self._network.logits(features, training=False), self._spread, 1) + self._absent


def _assign(network: Network, values: Mapping[str, NDArray[Any]]) -> None:
    for name, variable in {**network.weights, **network.moments}.items():
        given = values.get(name)
        if given is None or given.shape != tuple(variable.shape):
            raise BaseArchiveError(f"the base's weights {name!r} do not fit its recipe")
        variable.assign(given)
