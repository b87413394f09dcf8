"""A token bucket never lets more through than its rate, whatever is asked when."""

from hypothesis import given
from hypothesis import strategies as st

from aggregator.domain.bandwidth import BURST_S, full, spend

ASKED = st.lists(st.tuples(st.floats(0, 100), st.integers(0, 10_000_000)), max_size=50)


@given(st.integers(1, 10_000_000), ASKED)
def test_in_any_time_no_more_goes_than_rate_and_burst(rate: int, asked: list[tuple[float, int]]) -> None:
    now_s, sent = 0.0, 0
    bucket = full(rate, now_s)
    for pause_s, size in asked:
        now_s += pause_s
        bucket, wait_s = spend(bucket, size, rate, now_s)
        sent += size
        now_s += wait_s
        assert sent <= rate * (now_s + BURST_S) * (1 + 1e-9) + 1e-3


@given(st.integers(1, 10_000_000), st.integers(1, 10_000_000))
def test_a_download_takes_no_longer_than_it_must(rate: int, size: int) -> None:
    _, wait_s = spend(full(rate, 0.0), size, rate, 0.0)
    assert wait_s == max(0.0, (size - rate * BURST_S) / rate)


def test_a_clock_that_goes_back_gives_nothing() -> None:
    bucket, _ = spend(full(100, 50.0), 100, 100, 50.0)
    again, wait_s = spend(bucket, 100, 100, 10.0)
    assert (again.level_bytes, wait_s) == (-100.0, 1.0)
