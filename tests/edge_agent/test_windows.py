"""Windows around detections: nothing missing, nothing twice."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from edge_agent.picks import make_cutter
from edge_agent.windows import AroundDetections, Cutter, Everything, Nothing, Slice, Window

STEP_FRAMES = 4


def part(index: int) -> Slice:
    frames = np.full((STEP_FRAMES, 80), index % 100, np.int8)
    posteriors = np.full(3, index, np.float32)
    return Slice(index=index, frames=frames, posteriors=posteriors, end_s=(index + 1) * 0.08)


def run(cutter: Cutter, steps: int, marks: dict[int, int]) -> list[Window]:
    """``marks``: at which step a detection is reported → how many steps before it began."""
    windows = []
    for index in range(steps):
        windows += cutter.feed(part(index))
        if index in marks:
            windows += cutter.mark(1000 + index, marks[index])
    return windows + cutter.flush()


def steps_of(window: Window) -> list[int]:
    return [int(row[0]) for row in window.posteriors]


def test_a_window_reaches_from_before_to_after() -> None:
    [window] = run(AroundDetections(3, 5, 100), 50, {20: 2})
    assert steps_of(window) == list(range(15, 26))
    assert (window.reason, window.detection) == ("detection", 1020)
    assert (window.first_step, window.last_step) == (15, 25)
    assert window.start_s == pytest.approx(15 * 0.08)
    assert len(window.frames) == 11 * STEP_FRAMES


def test_windows_that_would_overlap_meet_between_their_detections() -> None:
    first, second = run(AroundDetections(3, 5, 100), 50, {20: 0, 24: 0})
    assert (steps_of(first), first.detection) == (list(range(17, 22)), 1020)
    assert (steps_of(second), second.detection) == (list(range(22, 30)), 1024)


def test_a_later_detection_takes_no_more_than_the_time_before_it() -> None:
    first, second = run(AroundDetections(1, 12, 100), 60, {20: 0, 31: 1})
    assert (steps_of(first), first.detection) == (list(range(19, 29)), 1020)
    assert (steps_of(second), second.detection) == (list(range(29, 44)), 1031)


def test_detections_that_overlap_share_a_window() -> None:
    [window] = run(AroundDetections(3, 5, 100), 50, {20: 0, 22: 4})
    assert steps_of(window) == list(range(17, 28))
    assert window.detection == 1020


def test_a_window_that_stays_open_is_cut() -> None:
    windows = run(AroundDetections(2, 4, 10), 60, dict.fromkeys(range(10, 40, 3), 4))
    assert all(len(window.posteriors) <= 10 for window in windows)
    assert steps_of(windows[0]) == list(range(4, 14))


def test_what_was_not_heard_is_not_in_the_window() -> None:
    [window] = run(AroundDetections(10, 10, 100), 5, {2: 2})
    assert steps_of(window) == [0, 1, 2, 3, 4]


def test_everything_is_sent_in_one_length_and_the_rest_at_the_end() -> None:
    windows = run(Everything(10), 25, {5: 0})
    assert [steps_of(window) for window in windows] == [
        list(range(10)), list(range(10, 20)), list(range(20, 25))
    ]  # fmt: skip
    assert {(window.reason, window.detection) for window in windows} == {("all", None)}


def test_results_send_no_windows() -> None:
    assert run(Nothing(), 25, {5: 0}) == []


@pytest.mark.parametrize("policy", ["results", "results+features", "all"])
def test_a_policy_has_its_cutter(policy: str) -> None:
    windows = run(make_cutter(policy, before_s=1.0, after_s=1.0, step_s=0.08), 200, {100: 1})
    lengths = {"results": [], "results+features": [1 + 1 + 12 + 13], "all": [62, 62, 62, 14]}
    assert [len(window.posteriors) for window in windows] == lengths[policy]


@given(
    st.dictionaries(st.integers(0, 119), st.integers(0, 8)),
    st.integers(0, 12), st.integers(0, 12), st.integers(2, 40),
)  # fmt: skip
@example(
    {93: 0, 94: 0, 101: 0, 108: 0, 110: 0}, 5, 7, 7
)  # a window that begins just where the last one ended
def test_no_step_is_sent_twice_and_every_detection_is_covered(
    marks: dict[int, int], before: int, after: int, longest: int
) -> None:
    windows = run(AroundDetections(before, after, longest), 120, marks)
    sent = [step for window in windows for step in steps_of(window)]
    assert all(one < other for one, other in pairwise(sent))
    assert set(marks) <= set(sent)
    for window in windows:
        assert len(window.frames) == STEP_FRAMES * len(window.posteriors)
        assert len(window.posteriors) <= longest
