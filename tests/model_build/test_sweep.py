import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from contract.detector import Detector
from model_build.sweep import STEP_S, averages, count_starts, stacked, starts

LABELS = ("a", "b")
streams = arrays.arrays(
    np.float32,
    st.tuples(st.integers(1, 60), st.just(2)),
    elements=st.floats(0, 1, width=32),
)


def detected(
    stream: np.ndarray, threshold: float, smoothing_s: float, refractory_s: float
) -> list[list[int]]:
    """The steps at which the node's own detector starts a detection of each label."""
    detector = Detector(
        LABELS,
        dict.fromkeys(LABELS, threshold),
        smoothing_s=smoothing_s,
        refractory_s=refractory_s,
        step_s=STEP_S,
    )
    found = [one for row in stream.tolist() for one in detector.feed(row)] + detector.finish()
    return [sorted(one.start_step for one in found if one.label == label) for label in LABELS]


@settings(max_examples=150, deadline=None)
@given(
    stream=streams,
    threshold=st.floats(0.05, 1.0),
    smoothing_s=st.sampled_from([0.0, 0.12, 0.5]),
    refractory_s=st.sampled_from([0.0, 0.3, 2.0]),
)
def test_detections_start_where_those_of_the_node_do(
    stream: np.ndarray, threshold: float, smoothing_s: float, refractory_s: float
) -> None:
    average = averages(stream[None], smoothing_s)
    levels = np.full((2, 1), threshold)
    rising = np.stack(list(starts(average, levels, refractory_s)))[:, 0, :, 0]
    expected = detected(stream, threshold, smoothing_s, refractory_s)
    assert [np.flatnonzero(column).tolist() for column in rising.T] == expected


def test_streams_of_several_lengths_are_counted_as_if_alone() -> None:
    draw = np.random.default_rng(3)
    several = [draw.random((length, 2)).astype(np.float32) for length in (5, 40, 12, 40)]
    levels = np.tile([0.4, 0.6, 0.8], (2, 1))
    together = count_starts(stacked(several, 0.12), levels, 0.3)
    alone = [count_starts(averages(one[None], 0.12), levels, 0.3)[0] for one in several]
    assert np.array_equal(together, np.stack(alone))
    assert together.sum() > 0


def test_smoothing_approaches_a_steady_posterior() -> None:
    rising = averages(np.tile([1.0, 0.0], (1, 20, 1)), 2 * STEP_S)[0]
    assert (np.diff(rising[:, 0]) > 0).all()
    assert rising[1, 0] == pytest.approx(1 - np.exp(-1))
