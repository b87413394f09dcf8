"""Windows around what was not detected: detections come first, nothing is sent twice."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from edge_agent.picks import RANKS, DetectionsFirst, make_cutter
from edge_agent.windows import AroundDetections, Window
from tests.edge_agent.test_windows import part, run, steps_of

BEFORE, AFTER, HOLD = 3, 5, 4
STEPS = 160


def cutter(before: int = BEFORE, after: int = AFTER) -> DetectionsFirst:
    return DetectionsFirst(
        AroundDetections(before, after, 40),
        before_steps=before, after_steps=after, settle_steps=before + HOLD + 1,
    )  # fmt: skip


def run_picks(
    made: DetectionsFirst, marks: dict[int, int], suggestions: dict[int, tuple[str, int]], steps: int = STEPS
) -> list[Window]:
    """``suggestions``: at which step → reason, and how many steps before it."""
    windows = []
    for index in range(steps):
        windows += made.feed(part(index))
        if index in suggestions:
            made.suggest(*suggestions[index])
        if index in marks:
            windows += made.mark(1000 + index, marks[index])
    return windows + made.flush()


def test_a_pick_reaches_from_before_to_after() -> None:
    [window] = run_picks(cutter(), {}, {50: ("near_miss", 2)})
    assert (window.reason, window.detection) == ("near_miss", None)
    assert steps_of(window) == list(range(45, 54))
    assert (window.first_step, window.last_step) == (45, 53)


def test_a_detection_in_its_window_takes_its_place() -> None:
    [window] = run_picks(cutter(), {53: 1}, {50: ("near_miss", 0)})
    assert (window.reason, window.detection) == ("detection", 1053)
    assert steps_of(window) == list(range(49, 59))


def test_within_the_window_of_a_detection_there_is_no_pick() -> None:
    windows = run_picks(cutter(), {50: 0}, {52: ("near_miss", 0), 54: ("random", 0)})
    assert [window.reason for window in windows] == ["detection"]


def test_a_pick_beside_a_detection_begins_where_that_ended() -> None:
    first, second = run_picks(cutter(), {50: 0}, {57: ("uncertain", 0)})
    assert (steps_of(first)[-1], steps_of(second)[0]) == (55, 56)
    assert second.reason == "uncertain"


def test_the_better_reason_has_the_step() -> None:
    [window] = run_picks(cutter(), {}, {50: ("random", 0), 52: ("near_miss", 0), 53: ("uncertain", 0)})
    assert window.reason == "near_miss"
    assert steps_of(window) == list(range(49, 58))


def test_what_has_come_is_sent_when_the_stream_ends() -> None:
    [window] = run_picks(cutter(), {}, {50: ("random", 0)}, steps=52)
    assert steps_of(window) == [47, 48, 49, 50, 51]


def test_other_policies_take_no_suggestions() -> None:
    for policy, reasons in (("results", set()), ("all", {"all"})):
        made = make_cutter(policy, before_s=1, after_s=1, step_s=0.08)
        windows = []
        for index in range(100):
            windows += made.feed(part(index))
            made.suggest("near_miss", 0)
        assert {window.reason for window in windows + made.flush()} == reasons


any_marks = st.dictionaries(st.integers(0, STEPS - 1), st.integers(0, HOLD))
any_suggestions = st.dictionaries(
    st.integers(0, STEPS - 1), st.tuples(st.sampled_from(RANKS), st.integers(0, HOLD))
)


@given(any_marks, any_suggestions, st.integers(0, 12), st.integers(0, 12))
def test_windows_of_detections_are_the_same_with_picks_and_without(
    marks: dict[int, int], suggestions: dict[int, tuple[str, int]], before: int, after: int
) -> None:
    windows = run_picks(cutter(before, after), marks, suggestions)
    with_picks = [(w.detection, steps_of(w)) for w in windows if w.reason == "detection"]
    without = [(w.detection, steps_of(w)) for w in run(AroundDetections(before, after, 40), STEPS, marks)]
    assert with_picks == without


@given(any_marks, any_suggestions, st.integers(0, 12), st.integers(0, 12))
def test_no_step_is_in_two_windows_and_each_suggestion_is_in_one(
    marks: dict[int, int], suggestions: dict[int, tuple[str, int]], before: int, after: int
) -> None:
    windows = run_picks(cutter(before, after), marks, suggestions)
    sent = sorted(step for window in windows for step in steps_of(window))
    assert all(one < other for one, other in pairwise(sent))
    for window in windows:
        assert steps_of(window) == list(range(window.first_step, window.last_step + 1))
    suggested = {index - back for index, (_, back) in suggestions.items() if index >= back}
    for window in windows:
        if window.reason != "detection":
            assert suggested & set(steps_of(window))
            assert len(steps_of(window)) <= before + after + 1
    if not marks and len(suggestions) == 1:
        assert suggested <= set(sent)
