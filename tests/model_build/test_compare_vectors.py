"""Clips as vectors, windows, endpoints and trees."""

import numpy as np
import pytest

from contract.audio import FEATURE_ZERO_POINT, MEL_BINS
from model_build.compare.endpoints import LENGTH, crossings_hz, sequences, sounding
from model_build.compare.nodes import Nodes
from model_build.compare.pooled import BANDS, CEPSTRA, Pooling, pooled
from model_build.compare.windows import judge_along


@pytest.fixture
def features() -> np.ndarray:
    """Five clips of 52 frames."""
    return np.random.default_rng(0).integers(-90, 80, (5, 52, MEL_BINS)).astype(np.int8)


@pytest.mark.parametrize("parts", [3, 8])
@pytest.mark.parametrize(("cepstra", "values"), [(False, BANDS), (True, CEPSTRA)])
def test_each_clip_becomes_one_vector(features: np.ndarray, cepstra: bool, values: int, parts: int) -> None:
    x = pooled(features, Pooling(cepstra=cepstra, parts=parts, gate_db=20.0))
    assert x.shape == (5, values * (5 + parts) + 3)
    assert x.dtype == np.float32
    assert np.isfinite(x).all()
    alone = pooled(features[2:3], Pooling(cepstra=cepstra, parts=parts, gate_db=20.0))
    assert np.allclose(x[2], alone[0], atol=1e-4)


def test_loudness_changes_only_the_level(features: np.ndarray) -> None:
    pooling = Pooling(cepstra=False, parts=3, gate_db=None)
    louder = (features.astype(int) + 20).astype(np.int8)
    change = pooled(louder, pooling) - pooled(features, pooling)
    assert np.allclose(change[:, :-3], 0.0, atol=1e-3)
    assert np.allclose(change[:, -3], 10.0, atol=1e-3)


def test_order_shows_only_in_the_parts(features: np.ndarray) -> None:
    pooling = Pooling(cepstra=False, parts=4, gate_db=None)
    change = np.abs(pooled(features[:, ::-1], pooling) - pooled(features, pooling))[0]
    assert change[: 4 * BANDS].max() < 1e-3
    assert change[5 * BANDS : 9 * BANDS].max() > 1.0


def test_what_is_below_the_gate_does_not_count(features: np.ndarray) -> None:
    pooling = Pooling(cepstra=False, parts=3, gate_db=30.0)
    padded = np.concatenate([features, np.full((5, 40, MEL_BINS), -128, np.int8)], axis=1)
    change = pooled(padded, pooling) - pooled(features, pooling)
    # The change of a frame at the end of the sound is none, where nothing follows it.
    del_change = np.delete(change, np.s_[4 * BANDS : 5 * BANDS], axis=1)
    assert np.abs(del_change[:, :-1]).max() < 1e-2
    assert np.all(change[:, -1] < -0.1)


def test_windows_are_judged_once_they_are_whole(features: np.ndarray) -> None:
    def judge(windows: np.ndarray) -> np.ndarray:
        assert windows.shape[1:] == (20, MEL_BINS)
        return windows[:, -1, :2].astype(np.float32)

    judged = judge_along(judge, features, 20, 8)
    assert judged.shape == (5, 7, 2)
    assert not judged[:, :2].any()
    assert np.array_equal(judged[:, -1], features[:, -1, :2])
    assert np.array_equal(judged[:, 2], features[:, 19, :2])


def quiet_but_for(first: int, last: int, bins: slice, loud: int = 60) -> np.ndarray:
    made = np.full((1, 52, MEL_BINS), -100, np.int8)
    made[0, first : last + 1, bins] = loud
    return made


def test_a_sound_begins_and_ends_where_it_is_loud() -> None:
    first, last = sounding(quiet_but_for(10, 30, slice(5, 20)))
    assert (first[0], last[0]) == (10, 30)


def test_a_faint_hiss_belongs_to_the_word_it_borders_on() -> None:
    hissing = quiet_but_for(10, 30, slice(5, 20))
    hissing[0, 31:36, 70:80] = 0
    humming = quiet_but_for(10, 30, slice(5, 20))
    humming[0, 31:36, 2:12] = 0
    assert sounding(hissing)[1][0] == 35
    assert sounding(humming)[1][0] == 30


def test_a_tone_crosses_zero_twice_in_each_period() -> None:
    from model_build.mel import mel_edges_hz

    tone = np.full((1, 1, MEL_BINS), -128, np.int8)
    tone[0, 0, 40] = FEATURE_ZERO_POINT
    assert crossings_hz(tone)[0, 0] == pytest.approx(2 * mel_edges_hz()[41], rel=0.01)


def test_centred_sequences_do_not_know_the_microphone() -> None:
    plain = quiet_but_for(10, 30, slice(5, 20), loud=20)
    plain[0, 10:31] += np.arange(21, dtype=np.int8)[:, None]
    coloured = plain.copy()
    coloured[0, 8:33] += np.linspace(0, 10, MEL_BINS).astype(np.int8)
    one, two = (sequences(x, centred=True) for x in (plain, coloured))
    assert one.shape[1] == LENGTH
    apart = np.abs(one - two).max()
    assert apart < 0.5 * np.abs(sequences(plain, centred=False) - sequences(coloured, centred=False)).max()


def test_flat_trees_say_what_the_forest_says() -> None:
    from sklearn.ensemble import RandomForestClassifier

    draw = np.random.default_rng(0)
    x = draw.normal(size=(200, 10)).astype(np.float32)
    y = (x[:, 0] > 0).astype(int) + (x[:, 1] > 1)
    forest = RandomForestClassifier(10, random_state=0).fit(x, y)
    fresh = draw.normal(size=(100, 10)).astype(np.float32)
    nodes = Nodes(forest.estimators_)
    assert np.allclose(nodes.posteriors(fresh), forest.predict_proba(fresh), atol=1e-6)
    assert nodes.leaves == nodes.inner + 10
