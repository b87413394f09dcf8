"""Bytes a day: nobody gets a second budget, whatever restarts, clocks and disks do."""

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.agent.ledger import Ledger
from edge_agent.budgets import DAY_S

DAY = 20_000
NOON_S = DAY * DAY_S + DAY_S / 2


class Clocks:
    """A wall clock that may be set, and a steady one."""

    def __init__(self) -> None:
        self.wall_s, self.steady_s = NOON_S, 100.0

    def pass_s(self, seconds: float) -> None:
        self.wall_s += seconds
        self.steady_s += seconds


@pytest.fixture
def clocks() -> Clocks:
    return Clocks()


@pytest.fixture
def begin(clocks: Clocks, tmp_path: Path) -> Callable[[], Ledger]:
    """Starts the agent, or starts it again."""
    return lambda: Ledger(tmp_path, wall_s=lambda: clocks.wall_s, steady_s=lambda: clocks.steady_s)


def test_a_budget_is_spent_and_comes_back_with_the_day(begin: Callable[[], Ledger], clocks: Clocks) -> None:
    ledger = begin()
    assert [ledger.spend("random", 400, 1000) for _ in range(4)] == [True, True, False, False]
    assert ledger.spend("random", 200, 1000), "what is smaller still fits"
    assert ledger.spend("near_miss", 400, 1000), "each reason has its own"
    clocks.pass_s(DAY_S / 2)
    assert ledger.spend("random", 400, 1000)


def test_a_restart_gives_no_second_budget(begin: Callable[[], Ledger]) -> None:
    assert begin().spend("random", 900, 1000)
    assert not begin().spend("random", 900, 1000)


def test_a_clock_that_is_set_back_gives_no_second_budget(begin: Callable[[], Ledger], clocks: Clocks) -> None:
    assert begin().spend("random", 900, 1000)
    clocks.wall_s -= 3 * DAY_S
    assert not begin().spend("random", 900, 1000)
    ledger = begin()
    clocks.pass_s(DAY_S - 1)
    assert not ledger.spend("random", 900, 1000)
    clocks.pass_s(1)
    assert ledger.spend("random", 900, 1000), "a whole day has passed"
    assert not ledger.spend("random", 900, 1000)


def test_a_node_that_wakes_in_1970_still_has_its_budget_of_today(
    begin: Callable[[], Ledger], clocks: Clocks
) -> None:
    assert begin().spend("random", 900, 1000)
    today_s, clocks.wall_s = clocks.wall_s, 12.0
    assert not begin().spend("random", 900, 1000)
    clocks.wall_s = today_s
    assert not begin().spend("random", 900, 1000)


@pytest.mark.parametrize(
    "content", ["", "{", "[]", '{"day": 1}', '{"day": 20000, "spent_bytes": {"random": -1}}']
)
def test_a_file_that_cannot_be_read_counts_as_spent_today(
    begin: Callable[[], Ledger], clocks: Clocks, tmp_path: Path, content: str
) -> None:
    (tmp_path / "budgets.json").write_text(content)
    ledger = begin()
    assert not ledger.spend("random", 1, 10**12)
    clocks.pass_s(DAY_S)
    assert ledger.spend("random", 1, 10)


def test_what_cannot_be_kept_is_not_spent(begin: Callable[[], Ledger], tmp_path: Path) -> None:
    ledger = begin()
    (tmp_path / "budgets.new").mkdir()
    assert not ledger.spend("random", 400, 1000)
    (tmp_path / "budgets.new").rmdir()
    assert ledger.spend("random", 1000, 1000)


events = st.lists(
    st.one_of(
        st.tuples(st.just("spend"), st.integers(1, 900)),
        st.tuples(st.just("restart"), st.just(0)),
        st.tuples(st.just("pass"), st.integers(0, 20_000)),
        st.tuples(st.just("set back"), st.integers(0, 400_000)),
    ),
    max_size=40,
)


@given(events)
def test_on_no_day_is_more_spent_than_allowed(
    tmp_path_factory: pytest.TempPathFactory, events: list[tuple[str, int]]
) -> None:
    """As long as nobody sets the clock forward: between two budgets a day passed on one of the clocks."""
    clocks, folder = Clocks(), tmp_path_factory.mktemp("ledger")

    def begin() -> Ledger:
        return Ledger(folder, wall_s=lambda: clocks.wall_s, steady_s=lambda: clocks.steady_s)

    ledger, spent, begun_s, passed_s, highest_day = begin(), 0, 0.0, 0.0, DAY
    for event, amount in events:
        if event == "pass":
            clocks.pass_s(amount)
            passed_s += amount
        elif event == "set back":
            clocks.wall_s = max(0.0, clocks.wall_s - amount)
        elif event == "restart":
            ledger = begin()
        elif ledger.spend("random", amount, 1000):
            day = int(clocks.wall_s // DAY_S)
            if day > highest_day or passed_s - begun_s >= DAY_S:
                spent, begun_s, highest_day = 0, passed_s, day
            spent += amount
            assert spent <= 1000
