import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from contract.audio import MEL_BINS
from model_build.frontend import folded_bins, folded_mel
from model_build.mel import POWER_BINS, hz_to_mel, mel_edges_hz, mel_to_hz, mel_weights, quantize_rows


@given(st.floats(1.0, 8000.0))
def test_mel_and_hz_are_inverse(hz: float) -> None:
    np.testing.assert_allclose(mel_to_hz(hz_to_mel(np.array([hz]))), [hz], rtol=1e-9)


def test_no_filter_is_empty_and_every_power_bin_within_the_range_is_heard() -> None:
    weights = mel_weights()
    assert weights.shape == (MEL_BINS, POWER_BINS)
    assert (weights.max(axis=1) > 0.1).all()
    edges = mel_edges_hz()
    inside = (np.arange(POWER_BINS) * 31.25 > edges[1]) & (np.arange(POWER_BINS) * 31.25 < edges[-2])
    np.testing.assert_allclose(weights.sum(axis=0)[inside], 1.0, atol=1e-9)


def test_the_two_stage_fft_counts_each_power_bin_once() -> None:
    assert sorted(set(folded_bins().tolist())) == list(range(POWER_BINS))
    np.testing.assert_allclose(folded_mel().sum(axis=1), mel_weights().sum(axis=1))


def test_int8_rows_give_the_weights_back_within_half_a_step() -> None:
    weights = mel_weights()
    codes, scale = quantize_rows(weights)
    assert np.abs(codes * scale[:, None] - weights).max() <= scale.max() / 2 + 1e-9
