"""The rules of probation, each by itself."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.swap import Limits, Observed, judge
from edge_agent.swap.chance import binomial_head, poisson_tail
from edge_agent.swap.probation import Reference

LIMITS = Limits(probation_s=60, cost_factor=2)
BEFORE = Reference(labels=("yes", "no", "_other_"), spread=0.9, found={"yes": 4}, both=4, lost=0)
GOOD = Observed(
    heard_s=30, answered_s=29.8, steps=370, broken=0, spread=0.9, level_range_db=30, stirred=0.9,
    cost=0.03, before_cost=0.03, found={"yes": 4}, reference=BEFORE,
)  # fmt: skip


def test_a_good_one_goes_on_and_is_confirmed_when_its_time_has_come() -> None:
    assert judge(GOOD, LIMITS).action == "continue"
    assert judge(replace(GOOD, heard_s=60, answered_s=60), LIMITS).action == "confirm"


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"broken": 1}, "1 of its 370 posteriors are no numbers between 0 and 1"),
        ({"answered_s": 3.0}, "it answered only to 3.0 of 30.0 s of sound"),
        ({"behind_s": 2.4}, "the node cannot keep up with it: 2.4 s of sound were waiting"),
        ({"cost": 0.3}, "30.0 % of a core, 10.0 times as much as the model before; 2 times are allowed"),
        ({"spread": 0.0}, "the same answer to everything, while the model before told sounds apart"),
        ({"spread": 0.0, "reference": None}, "to everything, though the level moved by 30 dB"),
        ({"found": {"yes": 40}}, "it detected 'yes' 40 times in 30 s, the model before 4 times"),
        ({"found": {"dog": 40}}, "it detected 'dog' 40 times in 30 s"),
        ({"reference": replace(BEFORE, both=0, lost=12)}, "it missed 12 of 12 sounds"),
        ({"reference": replace(BEFORE, both=20, lost=60)}, "it missed 60 of 80 sounds"),
        ({"reference": replace(BEFORE, both=0, lost=5), "stirred": 0.09},
         "none of its posteriors rose above 10 %, while the model before detected 5 sounds"),
        ({"unconnected_s": 50.0}, "the connection to the broker has been lost for 50 s"),
    ],
)  # fmt: skip
def test_a_bad_one_goes_with_its_reason(change: dict[str, object], says: str) -> None:
    verdict = judge(replace(GOOD, **change), LIMITS)  # type: ignore[arg-type]
    assert verdict.action == "roll_back"
    assert says in verdict.reason
    late = replace(GOOD, heard_s=90, answered_s=90 - 30 + GOOD.answered_s)
    assert judge(replace(late, **change), LIMITS).action == "roll_back", "also when its time has come"  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "change",
    [
        {"cost": 0.05},
        {"cost": 0.019, "before_cost": 0.001},
        {"heard_s": 2.0, "cost": 0.3},
        {"spread": 0.0, "reference": replace(BEFORE, spread=0.02)},
        {"spread": 0.0, "reference": None, "level_range_db": 3.0},
        {"found": {"yes": 9}},
        {"found": {"dog": 9}},
        {"found": {"yes": 3}, "reference": replace(BEFORE, both=3, lost=1)},
        {"reference": replace(BEFORE, both=0, lost=8)},
        {"reference": replace(BEFORE, both=0, lost=4), "stirred": 0.02},
        {"reference": replace(BEFORE, both=0, lost=5), "stirred": 0.11},
        {"reference": replace(BEFORE, both=5, lost=5), "stirred": 0.02},
        {"reference": replace(BEFORE, both=0, lost=0), "stirred": 0.0},
        {"reference": None, "stirred": 0.0},
        {"behind_s": 1.0},
        {"unconnected_s": 20.0},
    ],
)
def test_what_may_be_chance_or_is_little_is_borne(change: dict[str, object]) -> None:
    assert judge(replace(GOOD, **change), LIMITS).action == "continue"  # type: ignore[arg-type]


@given(st.integers(0, 200), st.integers(0, 200))
def test_more_lost_sounds_never_make_it_better(both: int, lost: int) -> None:
    def kept(lost: int) -> bool:
        seen = replace(GOOD, reference=replace(BEFORE, both=both, lost=lost))
        return judge(seen, LIMITS).action != "roll_back"

    assert kept(lost) or not kept(lost + 1)


@given(st.integers(0, 500), st.integers(0, 200))
def test_more_detections_never_look_less_like_a_flood(count: int, before: int) -> None:
    def kept(count: int) -> bool:
        seen = replace(GOOD, found={"yes": count}, reference=replace(BEFORE, found={"yes": before}))
        return judge(seen, LIMITS).action != "roll_back"

    assert kept(count) or not kept(count + 1)
    assert kept(before), "as many as before is no flood"


@given(st.integers(0, 400), st.floats(0, 300))
def test_the_tails_are_chances(count: int, mean: float) -> None:
    assert 0 <= poisson_tail(count + 1, mean) <= poisson_tail(count, mean) + 1e-12 <= 1 + 2e-12
    assert 0 <= binomial_head(count, 400) <= binomial_head(count + 1, 400) + 1e-12
