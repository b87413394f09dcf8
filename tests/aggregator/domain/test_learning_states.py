"""States of trainings and releases, progress, and the night."""

import itertools
from datetime import datetime, time, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.domain import releases, schedule, trainings
from aggregator.domain.training_progress import MOST_POINTS, CurvePoint, Progress, after_line, with_point
from aggregator.errors import ReleaseError, TrainingError


def test_a_training_goes_one_way() -> None:
    allowed = {
        (state, to) for state, to in itertools.product(trainings.STATES, trainings.STATES) if _goes(state, to)
    }
    assert {state for state, _ in allowed} == {trainings.WAITING, *trainings.ACTIVE}
    assert ("waiting", "learning") not in allowed
    assert ("judging", "finished") in allowed
    assert not any(to == trainings.WAITING for _, to in allowed)


def _goes(state: str, to: str) -> bool:
    try:
        return trainings.move(state, to) == to
    except TrainingError:
        return False


@given(st.sampled_from(trainings.STATES), st.integers(0, 5), st.integers(1, 4), st.booleans())
def test_a_restart_ends_or_goes_on(state: str, attempts: int, most: int, cancel: bool) -> None:
    after = trainings.after_restart(state, attempts=attempts, attempts_most=most, cancel_asked=cancel)
    if state not in trainings.ACTIVE:
        assert after == state
    elif cancel:
        assert after == trainings.CANCELLED
    else:
        assert after == (state if attempts < most else trainings.INTERRUPTED)


@pytest.mark.parametrize(
    ("passed", "decisions", "decision", "reason", "complaint"),
    [
        (True, [], "accept", "", None),
        (True, [], "refuse", "barks", None),
        (True, [], "refuse", "  ", "say why"),
        (False, [], "accept", "", "say why it is accepted all the same"),
        (False, [], "accept", "I know better", None),
        (False, [], "refuse", "so do I", "refused already"),
        (True, ["accept"], "accept", "", "accepted already"),
        (True, ["accept"], "refuse", "it barks at doorbells", None),
        (True, ["accept", "refuse"], "accept", "", "say why"),
        (True, ["accept", "refuse"], "accept", "mended", None),
        (True, [], "delay", "", "accept or refuse"),
        (True, [], "accept", "x" * 1001, "at most 1000"),
    ],
)
def test_decisions(
    passed: bool, decisions: list[str], decision: str, reason: str, complaint: str | None
) -> None:
    def check() -> str:
        return releases.check_decision(decision, passed=passed, decisions=decisions, reason=reason)

    if complaint is None:
        assert check() == reason
    else:
        with pytest.raises(ReleaseError, match=complaint):
            check()


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=200),
    lambda inner: st.lists(inner, max_size=3),
    max_leaves=4,
)
FIELDS = ("what", "done", "total", "epoch", "epochs", "loss", "validation_accuracy", "remaining_s")


@given(st.lists(st.dictionaries(st.sampled_from(FIELDS), JSON) | JSON, max_size=8))
def test_no_line_breaks_the_progress(lines: list[Any]) -> None:
    progress = Progress()
    for line in lines:
        progress = after_line(progress, line)
    assert Progress.from_plain(progress.to_plain()) == progress
    assert progress.share is None or 0 <= progress.share <= 1
    assert len(progress.what) <= 120


def test_an_epoch_that_is_told_again_replaces_itself() -> None:
    curve: tuple[CurvePoint, ...] = ()
    for epoch in (1, 2, 3, 2):
        curve = with_point(curve, CurvePoint(epoch=epoch, loss=1 / epoch, validation_accuracy=None))
    assert [point.epoch for point in curve] == [1, 2]


def test_a_long_curve_is_thinned_out() -> None:
    curve: tuple[CurvePoint, ...] = ()
    for epoch in range(1, 5000):
        curve = with_point(curve, CurvePoint(epoch=epoch, loss=1.0, validation_accuracy=0.5))
    assert len(curve) <= MOST_POINTS
    assert (curve[0].epoch, curve[-1].epoch) == (1, 4999)


NIGHT = datetime(2026, 5, 2, 2, 30)


@pytest.mark.parametrize(
    ("now", "last", "due"),
    [
        (NIGHT - timedelta(minutes=1), None, False),
        (NIGHT, None, True),
        (NIGHT + timedelta(minutes=119), None, True),
        (NIGHT + timedelta(hours=3), None, False),
        (NIGHT + timedelta(minutes=5), NIGHT + timedelta(minutes=1), False),
        (NIGHT + timedelta(minutes=5), NIGHT - timedelta(hours=1), True),
        (NIGHT + timedelta(days=1), NIGHT, True),
    ],
)
def test_the_night(now: datetime, last: datetime | None, due: bool) -> None:
    assert schedule.due(now, time(2, 30), last) is due
    assert schedule.due(now, None, last) is False


def test_midnight_lies_between_two_days() -> None:
    late = datetime(2026, 5, 3, 0, 20)
    assert schedule.due(late, time(23, 50), late - timedelta(days=1))
    assert not schedule.due(late, time(23, 50), late - timedelta(minutes=20))


@given(st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1)), st.times())
def test_it_is_due_once_a_night(start: datetime, at: time) -> None:
    last: datetime | None = None
    asked = 0
    for minutes in range(0, 3 * 24 * 60, 30):
        now = start + timedelta(minutes=minutes)
        if schedule.due(now, at, last):
            asked, last = asked + 1, now
    assert 2 <= asked <= 4
