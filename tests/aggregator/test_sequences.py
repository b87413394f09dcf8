"""Ranges and acknowledgement arithmetic against plain sets."""

from hypothesis import given
from hypothesis import strategies as st

from aggregator.domain.progress import REFUSED_LIMIT, Progress
from aggregator.domain.sequences import Ranges

numbers = st.integers(min_value=1, max_value=60)
spans = st.lists(st.tuples(numbers, numbers).map(lambda pair: (min(pair), max(pair))), max_size=20)


def members(pairs: list[tuple[int, int]]) -> set[int]:
    return {number for first, last in pairs for number in range(first, last + 1)}


@given(spans)
def test_ranges_hold_what_was_put_in(pairs: list[tuple[int, int]]) -> None:
    ranges = Ranges(pairs)
    assert members(list(ranges)) == members(pairs)
    assert ranges.count() == len(members(pairs))
    assert all(
        a_last + 1 < b_first for (_, a_last), (b_first, _) in zip(ranges, list(ranges)[1:], strict=False)
    )


@given(spans, numbers)
def test_a_run_ends_where_the_next_number_is_missing(pairs: list[tuple[int, int]], number: int) -> None:
    run = Ranges(pairs).run_from(number)
    if number not in members(pairs):
        assert run is None
    else:
        assert run is not None
        assert members(pairs) >= set(range(number, run + 1))
        assert run + 1 not in members(pairs)


@given(spans, spans)
def test_shared_numbers(one: list[tuple[int, int]], other: list[tuple[int, int]]) -> None:
    assert Ranges(one).shared_with(Ranges(other)) == len(members(one) & members(other))


@given(st.lists(numbers), spans)
def test_through_is_the_end_of_what_is_accounted_for(came: list[int], dropped: list[tuple[int, int]]) -> None:
    progress = Progress()
    for sequence in came:
        progress.receive(sequence)
        progress.through()
    for first, last in dropped:
        progress.declare(first, last)
        progress.through()
    accounted = set(came) | members(dropped)
    assert progress.through() == next(n for n in range(0, 100) if n + 1 not in accounted)
    assert progress.missing() == len(members(dropped) - set(came))


@given(st.lists(numbers), st.sets(numbers))
def test_refused_are_those_beyond_through(came: list[int], refused: set[int]) -> None:
    progress = Progress()
    for sequence in came:
        progress.receive(sequence)
    for sequence in refused:
        progress.receive(sequence, refused=True)
    expected = sorted(sequence for sequence in refused if sequence > progress.through())
    assert progress.refused_beyond() == tuple(expected)


def test_an_acknowledgement_holds_only_so_many_refused() -> None:
    progress = Progress()
    for sequence in range(2, 500):
        progress.receive(sequence, refused=True)
    assert len(progress.refused_beyond()) == REFUSED_LIMIT


def test_hostile_ranges_cost_nothing() -> None:
    progress = Progress()
    progress.declare(1, 2**53)
    assert progress.through() == 2**53
    assert progress.missing() == 2**53
