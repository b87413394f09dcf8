import numpy as np
import pytest

from model_build.network import Network
from model_build.recipe import load_recipe
from model_build.shape import STEP_FRAMES

pytestmark = pytest.mark.filterwarnings("ignore")  # TensorFlow's own


@pytest.fixture(scope="module")
def network() -> Network:
    return Network(load_recipe("keywords").network, 9, seed=0)


def features(frames: int) -> np.ndarray:
    return np.random.default_rng(2).integers(-128, 128, (2, frames, 80)).astype(np.float32)


def test_there_are_logits_after_every_lstm_step(network: Network) -> None:
    assert network.logits(features(48), training=False).shape == (2, 12, 9)


def test_the_future_changes_nothing(network: Network) -> None:
    whole = features(64)
    early = network.logits(whole[:, :40], training=False).numpy()
    late = network.logits(whole, training=False).numpy()
    np.testing.assert_allclose(late[:, : 40 // STEP_FRAMES], early, atol=1e-5)


def test_steady_louder_sound_is_normalised_away_where_it_is_not_near_silence(network: Network) -> None:
    quiet = np.random.default_rng(3).integers(-40, 0, (1, 300, 80)).astype(np.float32)
    one, other = network.normalize(quiet).numpy(), network.normalize(quiet + 60).numpy()
    np.testing.assert_allclose(one[:, 250:], other[:, 250:], atol=0.2)


def test_weights_for_conversion_have_the_norms_folded_in(network: Network) -> None:
    arrays = network.arrays()
    assert not any(name.startswith("norm") for name in arrays)
    assert arrays["conv1_bias"].shape == (24,)
    assert arrays["kernel"].shape == (80, 4 * 112)
