"""What is worth a window: near misses, doubt at sound, chance."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.sampling import Sampling
from edge_agent.moments import Moments, drawn
from edge_agent.sampling import REST_S, NearMisses, Sampler, Uncertainty

STEP_S = 0.08
LABELS = ("dog", "rain", "_background_")
THRESHOLDS = {"dog": 0.7, "rain": 0.7}


def near_misses(values: Sequence[float], threshold: float = 0.7) -> list[int]:
    """The steps that were near misses of one label."""
    judge = NearMisses(["dog"], {"dog": threshold}, 0.3, STEP_S)
    found = [(step, judge.feed([value])) for step, value in enumerate(values)]
    return [step - back for step, back in found if back is not None]


def test_a_peak_below_the_threshold_is_a_near_miss_once() -> None:
    assert near_misses([0.1, 0.2, 0.5, 0.6, 0.5, 0.4, 0.2, 0.1]) == [3]
    assert near_misses([0.1, 0.5] + [0.45] * 100 + [0.1]) == [1]
    assert near_misses([0.4, 0.1, 0.5, 0.1]) == [0, 2]


@pytest.mark.parametrize(
    "values", [[0.1, 0.29, 0.1], [0.5, 0.69, 0.7, 0.2], [0.1, 0.9, 0.8, 0.4, 0.6, 0.1], []]
)
def test_neither_too_little_nor_a_detection_is_one(values: list[float]) -> None:
    assert near_misses([*values, 0.0]) == []


def test_a_label_that_is_never_detected_is_never_missed() -> None:
    assert near_misses([0.1, 0.6, 0.1, 0.1], threshold=1.0) == []
    assert near_misses([0.1, 0.25, 0.1, 0.1], threshold=0.2) == []


def doubts(average: Sequence[float], levels: Sequence[float], **changes: float) -> list[bool]:
    judge = Uncertainty(LABELS, Sampling(**changes), STEP_S)  # type: ignore[arg-type]
    return [judge.feed(average, level) for level in levels]


QUIET_THEN_LOUD = [-60.0] * 10 + [-30.0] * 10


def test_doubt_must_last_and_needs_sound() -> None:
    assert doubts((0.48, 0.47, 0.05), QUIET_THEN_LOUD) == [False] * 13 + [True] * 7
    assert not any(doubts((0.48, 0.47, 0.05), [-60.0] * 50)), "the microphone's own noise is no sound"
    assert not any(doubts((0.48, 0.47, 0.05), [-120.0] * 50)), "digital silence"


def test_a_sound_that_stays_becomes_the_floor() -> None:
    heard = doubts((0.48, 0.47, 0.05), [-60.0] * 10 + [-30.0] * 1000)
    assert heard[20]
    assert not heard[-1]


@pytest.mark.parametrize(
    ("average", "doubtful"),
    [
        ((0.5, 0.45, 0.05), True),
        ((0.6, 0.3, 0.1), True),  # the entropy alone
        ((0.9, 0.05, 0.05), False),
        ((0.08, 0.84, 0.08), False),
        ((0.0, 0.0, 0.0), False),  # the average has not begun
    ],
)
def test_doubt_is_a_small_margin_or_high_entropy(average: tuple[float, ...], doubtful: bool) -> None:
    assert doubts(average, QUIET_THEN_LOUD)[-1] is doubtful


def test_between_two_labels_that_are_never_detected_there_is_no_doubt() -> None:
    judge = Uncertainty(("dog", "_unknown_", "_silence_"), Sampling(uncertain_entropy=1), STEP_S)
    assert not any(judge.feed((0.02, 0.5, 0.48), level) for level in QUIET_THEN_LOUD)


def test_margin_and_entropy_can_be_switched_off() -> None:
    off = {"uncertain_margin": 0.0, "uncertain_entropy": 1.0}
    assert not any(doubts((1 / 3, 1 / 3, 1 / 3), QUIET_THEN_LOUD, **off))


@given(st.lists(st.lists(st.floats(0, 1), min_size=3, max_size=3), max_size=60))
def test_no_posterior_upsets_the_sampler(rows: list[list[float]]) -> None:
    sampler = Sampler(Sampling(), LABELS, THRESHOLDS, step_s=STEP_S, seed="attic")
    for step, row in enumerate(rows):
        for suggestion in sampler.feed(row, -30.0, step * STEP_S):
            assert 0 <= suggestion.back_steps <= 4


def test_moments_are_the_same_after_a_restart_and_differ_between_nodes() -> None:
    assert drawn("attic", 480_000, 5) == drawn("attic", 480_000, 5)
    assert drawn("attic", 480_000, 5) != drawn("barn", 480_000, 5)
    assert all(480_000 <= moment / 3600 < 480_001 for moment in drawn("attic", 480_000, 50))


def test_so_many_moments_come_in_an_hour() -> None:
    def hear(per_hour: float, hours: int) -> int:
        moments = Moments("attic", per_hour)
        begin_s = 480_000 * 3600.0
        return sum(moments.feed(begin_s + step * 0.4) for step in range(hours * 9000 + 1))

    assert hear(3, 2) == 6
    assert 4 <= hear(0.25, 40) <= 18
    assert hear(0, 2) == 0


def suggested(sampling: Sampling, seconds: float) -> list[str]:
    """What a node that hears near misses and doubt all the time suggests."""
    sampler = Sampler(sampling, LABELS, THRESHOLDS, step_s=STEP_S, seed="attic")
    found = []
    for step in range(int(seconds / STEP_S)):
        loud = step % 25 > 12
        row = (0.5, 0.45, 0.05) if loud else (0.0, 0.0, 1.0)
        found += sampler.feed(row, -30.0 if loud else -60.0, 480_000 * 3600 + step * STEP_S)
    return [suggestion.reason for suggestion in found]


def test_each_reason_rests_after_a_suggestion() -> None:
    reasons = suggested(Sampling(), 10 * REST_S)
    assert 8 <= reasons.count("near_miss") <= 10
    assert 8 <= reasons.count("uncertain") <= 10


def test_no_bytes_a_day_switch_a_reason_off() -> None:
    off = Sampling(near_miss_bytes_per_day=0, random_bytes_per_day=0, random_per_hour=360)
    assert set(suggested(off, 60)) == {"uncertain"}


def test_a_private_label_is_never_looked_for() -> None:
    private = Sampling(private=("dog",), uncertain_bytes_per_day=0, random_per_hour=0)
    assert "near_miss" in suggested(Sampling(uncertain_bytes_per_day=0), 60)
    reasons = suggested(private, 60)
    assert reasons.count("near_miss") <= 6, "only rain is left"
