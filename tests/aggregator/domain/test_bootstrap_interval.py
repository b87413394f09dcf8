"""The interval is that of the literal bootstrap, and one item more that is lost never looks better."""

import random
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.domain.bootstrap_interval import Interval, Pairs, binomial, interval


@st.composite
def some_pairs(draw: st.DrawFn) -> Pairs:
    items = draw(st.integers(1, 300))
    lost = draw(st.integers(0, items))
    return Pairs(items=items, lost=lost, gained=draw(st.integers(0, items - lost)))


def drawn(pairs: Pairs, chance: float, resamples: int) -> Interval:
    """The bootstrap as it is told: draw the items again and again."""
    chances = random.Random(7)
    each = [-1] * pairs.lost + [1] * pairs.gained + [0] * (pairs.items - pairs.lost - pairs.gained)
    means = sorted(sum(chances.choices(each, k=pairs.items)) / pairs.items for _ in range(resamples))
    return Interval(low=means[int(chance * resamples)], high=means[int((1 - chance) * resamples)])


@pytest.mark.parametrize(
    "pairs",
    [
        Pairs(items=40, lost=6, gained=1),
        Pairs(items=100, lost=12, gained=9),
        Pairs(items=400, lost=3, gained=30),
        Pairs(items=400, lost=200, gained=150),
        Pairs(items=60, lost=60, gained=0),
    ],
)
def test_it_is_what_drawing_tends_to(pairs: Pairs) -> None:
    summed, literal = interval(pairs, 0.05), drawn(pairs, 0.05, 4000)
    assert summed.low == pytest.approx(literal.low, abs=2.01 / pairs.items + 0.004)
    assert summed.high == pytest.approx(literal.high, abs=2.01 / pairs.items + 0.004)


@given(some_pairs(), st.sampled_from([0.001, 0.05, 0.2]))
def test_it_surrounds_the_difference(pairs: Pairs, chance: float) -> None:
    found = interval(pairs, chance)
    assert -1 <= found.low <= pairs.difference + 1e-9
    assert pairs.difference - 1e-9 <= found.high <= 1


@given(some_pairs())
def test_changing_places_mirrors_it(pairs: Pairs) -> None:
    mirrored = interval(Pairs(items=pairs.items, lost=pairs.gained, gained=pairs.lost), 0.03)
    found = interval(pairs, 0.03)
    # Where a step of the distribution lies on the edge exactly, the two sides may take another step each.
    assert mirrored.low == pytest.approx(-found.high, abs=1.01 / pairs.items)
    assert mirrored.high == pytest.approx(-found.low, abs=1.01 / pairs.items)


@given(some_pairs())
def test_one_more_lost_never_looks_better(pairs: Pairs) -> None:
    if pairs.lost + pairs.gained < pairs.items:
        worse = Pairs(items=pairs.items, lost=pairs.lost + 1, gained=pairs.gained)
    elif pairs.gained:
        worse = Pairs(items=pairs.items, lost=pairs.lost, gained=pairs.gained - 1)
    else:
        return
    before, after = interval(pairs, 0.05), interval(worse, 0.05)
    assert after.high <= before.high
    assert after.low <= before.low


@given(st.integers(0, 400), st.floats(0, 1))
def test_the_binomial_is_whole(count: int, share: float) -> None:
    shares = dict(binomial(count, share))
    assert sum(shares.values()) == pytest.approx(1, abs=1e-8)
    assert all(0 <= successes <= count for successes in shares)


def test_twenty_thousand_items_take_no_time() -> None:
    began = time.perf_counter()
    interval(Pairs(items=20_000, lost=900, gained=700), 0.05)
    assert time.perf_counter() - began < 5, "a judgement has a dozen of these"


def test_more_changed_than_there_are_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="more items"):
        Pairs(items=3, lost=2, gained=2)
