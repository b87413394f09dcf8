"""A new label is favoured as far as clips of old ones allow, and no further."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from model_build.evaluate import Heard
from model_build.network import Network
from model_build.recipe import load_recipe
from model_build.retrain.leaning import CANDIDATES, count_right, leaned, most_lean

RECIPE = load_recipe("keywords")
LABELS = ("yes", "no", "new", "_unknown_", "_silence_")
NEW = np.array([label == "new" for label in LABELS])


def heard(label: str, *shares: float) -> Heard:
    """A clip of one step."""
    posteriors = np.array([shares], np.float32)
    return Heard(label=label, posteriors=posteriors / posteriors.sum(), levels_db=(-20.0,))


CLIPS = st.lists(
    st.builds(
        lambda label, shares: heard(label, *shares),
        st.sampled_from([label for label in LABELS if label != "new"]),
        st.lists(st.floats(0.01, 1.0), min_size=5, max_size=5),
    ),
    min_size=1,
    max_size=12,
)


@given(CLIPS, st.integers(0, 12))
def test_no_more_clips_are_lost_than_may_be(clips: list[Heard], most: int) -> None:
    before = count_right(clips, LABELS, RECIPE.decision)
    lean = most_lean(clips, LABELS, ["new"], RECIPE.decision, before - most)
    after = count_right([leaned(clip, NEW, lean) for clip in clips], LABELS, RECIPE.decision)
    assert lean in CANDIDATES
    assert after >= before - most
    assert lean <= most_lean(clips, LABELS, ["new"], RECIPE.decision, before - most - 1)


def test_a_network_that_has_lost_too_much_already_favours_nothing() -> None:
    clips = [heard("yes", 0.1, 0.8, 0.1, 0.0, 0.0)] * 3
    assert most_lean(clips, LABELS, ["new"], RECIPE.decision, 1) == 0.0


def test_labels_in_underscores_all_mean_that_nothing_is_reported() -> None:
    silence = heard("_silence_", 0.0, 0.0, 0.3, 0.5, 0.2)
    assert count_right([silence], LABELS, RECIPE.decision) == 1
    assert count_right([leaned(silence, NEW, 1.0)], LABELS, RECIPE.decision) == 0


@pytest.mark.filterwarnings("ignore")
def test_a_network_leans_as_its_posteriors_were_said_to() -> None:
    network = Network(RECIPE.network, 3, 1)
    features = np.random.default_rng(0).integers(-90, 40, (1, 52, 80)).astype(np.float32)
    before = network.logits(features, training=False).numpy()
    network.lean([1], 0.75)
    after = network.logits(features, training=False).numpy()
    np.testing.assert_allclose(after - before, np.broadcast_to([0.0, 0.75, 0.0], after.shape), atol=1e-5)
