"""The other networks: shapes, sizes, and that they hear nothing of what is to come."""

import numpy as np
import pytest

pytestmark = pytest.mark.filterwarnings("ignore")  # TensorFlow's own

from contract.audio import MEL_BINS  # noqa: E402
from model_build.compare.networks import NETWORKS, DsCnn, Gru  # noqa: E402
from model_build.compare.neural import FittedNetwork, FittedWindows  # noqa: E402
from model_build.recipe import load_recipe  # noqa: E402

RECIPE = load_recipe("keywords")
PARAMETERS = {"crnn": (380_000, 520_000), "ds-cnn": (20_000, 40_000)}
"""Ranges of what is published: 467 k (kws_streaming), 24 k to 39 k (MLPerf Tiny)."""


@pytest.fixture
def features() -> np.ndarray:
    return np.random.default_rng(0).integers(-100, 60, (3, 104, MEL_BINS)).astype(np.int8)


@pytest.mark.parametrize("kind", NETWORKS)
def test_no_network_hears_what_is_to_come(kind: str, features: np.ndarray) -> None:
    network = NETWORKS[kind](RECIPE.network, len(RECIPE.labels), 0)
    fitted = (FittedWindows if kind == "ds-cnn" else FittedNetwork)(kind, network, RECIPE, features)
    whole, part = fitted.follow(features), fitted.follow(features[:, :56])
    assert whole.shape[0] == 3
    assert whole.shape[2] == len(RECIPE.labels)
    assert np.allclose(whole[:, : part.shape[1]], part, atol=1e-5)
    heard = whole[whole.any(axis=2)]
    assert np.allclose(heard.sum(axis=1), 1.0, atol=1e-4)
    if kind in PARAMETERS:
        least, most = PARAMETERS[kind]
        assert least < sum(int(np.prod(v.shape)) for v in network.weights.values()) < most


def test_a_gated_unit_keeps_what_its_gate_keeps() -> None:
    network = Gru(RECIPE.network, 9, 0)
    hidden = RECIPE.network.hidden
    x = np.random.default_rng(0).normal(size=(1, 5, RECIPE.network.dense)).astype(np.float32)
    network.weights["lstm_bias"].assign(np.concatenate([np.full(hidden, 50.0), np.zeros(2 * hidden)]))
    assert np.abs(network.lstm(x)).max() < 1e-6
    network.weights["lstm_bias"].assign(np.concatenate([np.full(hidden, -50.0), np.zeros(2 * hidden)]))
    assert np.abs(network.lstm(x)).max() > 0.1


def test_a_network_without_memory_says_the_same_at_every_step(features: np.ndarray) -> None:
    network = DsCnn(RECIPE.network, 9, 0)
    logits = network.logits(features.astype(np.float32), training=False).numpy()
    assert logits.shape == (3, 26, 9)
    assert np.allclose(logits, logits[:, :1])
