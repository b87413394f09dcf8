"""The comparison of two counts is exact."""

from math import comb

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.domain.alarm_rates import Alarms, chance_of_rise


@given(st.integers(0, 40), st.integers(0, 40))
def test_equal_hours_are_a_fair_coin(candidate: int, incumbent: int) -> None:
    together = candidate + incumbent
    exact = sum(comb(together, heads) for heads in range(candidate, together + 1)) / 2**together
    found = chance_of_rise(Alarms(count=candidate, hours=2.0), Alarms(count=incumbent, hours=2.0))
    assert found == pytest.approx(exact, rel=1e-9)


@given(st.integers(0, 200), st.integers(0, 200), st.floats(0.1, 100), st.floats(0.1, 100))
def test_more_alarms_are_less_likely_chance(few: int, others: int, mine: float, theirs: float) -> None:
    incumbent = Alarms(count=others, hours=theirs)
    less = chance_of_rise(Alarms(count=few, hours=mine), incumbent)
    more = chance_of_rise(Alarms(count=few + 1, hours=mine), incumbent)
    assert 0 <= more <= less + 1e-12 <= 1 + 1e-11


def test_no_hours_prove_nothing() -> None:
    silent = Alarms(count=3, hours=0.0)
    assert chance_of_rise(silent, silent) == 1.0
    assert silent.per_hour == 0.0


def test_thousands_do_not_overflow() -> None:
    assert chance_of_rise(Alarms(count=9000, hours=1.0), Alarms(count=3000, hours=1.0)) < 1e-9
