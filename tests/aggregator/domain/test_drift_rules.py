"""What is drift, and what is only night, chance, or a burst."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.domain.drift_alerts import (
    DAY_S,
    Finding,
    Open,
    changes,
    reference_end_s,
)
from aggregator.domain.drift_levels import (
    LevelHour,
    deaf_by_db,
    floor_rise_db,
    level_hour,
    together,
    usual,
)
from aggregator.domain.drift_limits import USUAL_LIMITS, DriftLimits
from aggregator.domain.drift_posteriors import BUCKETS, SHIFTED, bucket, stability_index
from aggregator.domain.drift_rates import Rate, chance, dispersion, is_flood
from aggregator.domain.drift_spectra import FEW, Spectrum, is_narrow, risen, spectrum


def hour(low: float, high: float, seconds: int = 3600) -> LevelHour:
    return LevelHour(start_s=0.0, seconds=seconds, low_dbfs=low, middle_dbfs=(low + high) / 2, high_dbfs=high)


NIGHTS_AND_DAYS = [hour(-62, -55)] * 60 + [hour(-45, -25)] * 60


def test_a_night_is_neither_deaf_nor_a_day_a_fan() -> None:
    assert deaf_by_db([hour(-62, -56)] * 3, NIGHTS_AND_DAYS) is None
    assert floor_rise_db([hour(-45, -40)] * 3, NIGHTS_AND_DAYS) is None


def test_quieter_than_any_night_is_deaf() -> None:
    assert deaf_by_db([hour(-40, -20), hour(-80, -75), hour(-80, -75)], NIGHTS_AND_DAYS) == 20
    assert deaf_by_db([hour(-80, -75), hour(-80, -75), hour(-40, -20)], NIGHTS_AND_DAYS) is None
    assert deaf_by_db([hour(-40.1, -40)] * 3, NIGHTS_AND_DAYS) is not None, "it does not move at all"


def test_a_floor_above_any_day_is_a_fan_if_it_is_steady() -> None:
    assert floor_rise_db([hour(-35, -28)] * 3, NIGHTS_AND_DAYS) == pytest.approx(10)
    assert floor_rise_db([hour(-35, -10)] * 3, NIGHTS_AND_DAYS) is None, "a party is not steady"
    assert floor_rise_db([hour(-45, -38)] + [hour(-35, -28)] * 2, NIGHTS_AND_DAYS) is None


@pytest.mark.parametrize("rule", [deaf_by_db, floor_rise_db])
def test_without_enough_to_compare_nothing_is_said(rule: object) -> None:
    for level in (-90.0, -10.0):
        now = [hour(level - 2, level)] * 3
        assert rule(now, NIGHTS_AND_DAYS[:23]) is None  # type: ignore[operator]
        assert rule(now[:1], NIGHTS_AND_DAYS) is None  # type: ignore[operator]
        short = [replace(one, seconds=60) for one in now]
        assert rule(short, NIGHTS_AND_DAYS) is None  # type: ignore[operator]


def test_each_threshold_can_be_set() -> None:
    deaf, fan = [hour(-80, -75)] * 3, [hour(-35, -28)] * 3
    assert deaf_by_db(deaf, NIGHTS_AND_DAYS, DriftLimits(deaf_below_db=21)) is None
    assert floor_rise_db(fan, NIGHTS_AND_DAYS, DriftLimits(fan_rise_db=11)) is None
    flood = Rate(count=200, hours=6.0, blocks=(3, 2, 4, 1) * 10)
    for limits in (
        DriftLimits(flood_detections=201),
        DriftLimits(flood_factor=100),
        DriftLimits(flood_chance=1e-300),
    ):
        assert is_flood(flood)
        assert not is_flood(flood, limits)


levels = st.floats(-100, -5).map(lambda one: round(one, 1))
hours = st.builds(lambda low, span: hour(low, min(low + span, 0.0)), levels, st.floats(0, 40))


@given(st.lists(hours, min_size=24, max_size=60), st.integers(1, 3))
def test_an_hour_of_the_reference_is_no_alarm(reference: list[LevelHour], count: int) -> None:
    usual = max(reference, key=lambda one: one.high_dbfs)
    short = deaf_by_db([usual] * count, reference)
    assert short is None or short <= 0
    lowest = min(reference, key=lambda one: one.low_dbfs)
    assert floor_rise_db([lowest] * 3, reference) is None


@given(st.lists(hours, min_size=24, max_size=40), st.floats(0, 50))
def test_the_louder_the_less_deaf(reference: list[LevelHour], louder: float) -> None:
    quiet = hour(-110, -105)
    short = deaf_by_db([quiet] * 2, reference)
    raised = deaf_by_db([hour(-110 + louder, -105 + louder)] * 2, reference)
    assert raised is None or (short is not None and raised <= short)


def test_quantiles() -> None:
    assert level_hour(5.0, np.zeros(0)) is None
    assert together([]) is usual([]) is None
    assert usual(NIGHTS_AND_DAYS) == replace(hour(-62, -25, 120 * 3600), middle_dbfs=-46.75)
    made = together([hour(-50, -30), hour(-60, -40), hour(-70, -50)])
    assert made is not None
    assert (made.low_dbfs, made.high_dbfs, made.seconds) == (-60, -40, 3 * 3600)


def rate(count: int, *blocks: int) -> Rate:
    return Rate(count=count, hours=6.0, blocks=blocks)


def test_a_flood_is_more_than_a_burst() -> None:
    assert is_flood(rate(200, *[3, 2, 4, 1] * 10))
    assert not is_flood(rate(30, *[0, 0, 0, 25] * 10)), "such bursts came before"
    assert not is_flood(rate(200, 3, 2, 4)), "less than a day of reference"
    assert not is_flood(rate(19, *[0] * 20)), "too few to be a flood"
    assert is_flood(rate(40, *[0] * 20)), "a label that was never heard"
    assert not is_flood(rate(100, *[60, 70] * 20)), "twice as many"


counts = st.integers(0, 3000)


@given(counts, st.lists(counts, min_size=4, max_size=30), st.integers(0, 500))
def test_more_detections_are_never_more_likely_to_be_chance(now: int, before: list[int], more: int) -> None:
    less, many = rate(now, *before), rate(now + more, *before)
    assert 0 <= chance(many) <= chance(less) + 0.01 <= 1.02, "but where the exact test hands over"
    assert not is_flood(less) or is_flood(many)


@given(st.lists(counts, min_size=4, max_size=30))
def test_a_block_of_the_reference_is_no_flood(before: list[int]) -> None:
    assert not is_flood(rate(max(before), *before))
    assert not is_flood(rate(USUAL_LIMITS.flood_detections - 1, *before))
    assert dispersion(before) >= 1


@pytest.mark.parametrize("events", [2000, 6000])
def test_the_exact_and_the_normal_test_agree(events: int) -> None:
    blocks = [events // 20] * 20
    assert chance(rate(blocks[0], *blocks)) == pytest.approx(0.5, abs=0.05)
    assert chance(rate(blocks[0] * 2, *blocks)) < 1e-6


histograms = st.lists(st.integers(0, 200), min_size=BUCKETS, max_size=BUCKETS)


@given(histograms, histograms)
def test_the_index_is_symmetric_and_never_negative(one: list[int], other: list[int]) -> None:
    index = stability_index(one, other)
    again = stability_index(other, one)
    if index is None or again is None:
        assert min(sum(one), sum(other)) < 30
    else:
        assert index >= 0
        assert index == pytest.approx(again, abs=1e-9)
        assert stability_index(one, one) == 0


def test_a_shift_is_seen_and_chance_is_not() -> None:
    draw = np.random.default_rng(3)
    same = [np.bincount(draw.integers(10, 20, 100), minlength=BUCKETS).tolist() for _ in range(2)]
    found = stability_index(*same)
    assert found is not None
    assert found < SHIFTED
    low = np.bincount(draw.integers(10, 13, 100), minlength=BUCKETS).tolist()
    moved = stability_index(low, same[0])
    assert moved is not None
    assert moved > SHIFTED
    assert stability_index(same[0], [0] * BUCKETS) is None


@given(st.floats(0, 1))
def test_every_posterior_has_a_bucket(posterior: float) -> None:
    assert 0 <= bucket(posterior) < BUCKETS


def test_where_the_floor_rose() -> None:
    quiet = np.full((50, 80), -20, np.int8)
    hum = quiet.copy()
    hum[:, 10:14] += 40
    burst = quiet.copy()
    burst[:30] += 60
    usual, now, barked = spectrum([quiet] * 3), spectrum([hum] * 3), spectrum([burst] * 3)
    assert usual is not None
    assert risen(now, usual) == (10, 11, 12, 13)
    assert risen(barked, usual) == (), "what comes and goes is no floor"
    assert spectrum([quiet] * 2) is None
    assert risen(None, usual) == risen(usual, None) == ()


@given(st.sets(st.integers(0, 79)))
def test_few_bins_are_narrow(bins: set[int]) -> None:
    base = Spectrum(windows=3, floor_db=(-60.0,) * 80)
    now = replace(base, floor_db=tuple(-50.0 if at in bins else -60.0 for at in range(80)))
    assert risen(now, base) == tuple(sorted(bins))
    assert is_narrow(risen(now, base)) == (0 < len(bins) <= FEW)


DEAF = Finding(kind="deaf", label="", sentence="x")


def test_an_alert_begins_goes_on_and_ends_only_after_a_calm_hour() -> None:
    assert changes([DEAF], [], 0.0).begin == (DEAF,)
    alert = Open(id=4, kind="deaf", label="", begun_s=0.0, held_s=600.0)
    assert changes([DEAF], [alert], 1200.0).hold == ((4, DEAF),)
    assert changes([], [alert], 600.0 + USUAL_LIMITS.calm_s - 1).end == ()
    assert changes([], [alert], 600.0 + USUAL_LIMITS.calm_s).end == (4,)
    lasting = changes([DEAF], [alert], USUAL_LIMITS.accepted_days * DAY_S)
    assert (lasting.begin, lasting.hold, lasting.end) == ((), (), (4,))
    assert reference_end_s(100_000.0, 1000.0, [alert]) == -1000.0
    assert reference_end_s(100_000.0, 1000.0, []) == 99_000.0


findings = st.lists(
    st.builds(Finding, kind=st.sampled_from(["deaf", "flood"]), label=st.sampled_from(["", "dog"]),
              sentence=st.just("x")),
    unique_by=lambda one: (one.kind, one.label),
)  # fmt: skip


@given(st.lists(findings, max_size=12))
def test_there_is_one_open_alert_of_a_kind_at_most(rounds: list[list[Finding]]) -> None:
    alerts: dict[int, Open] = {}
    for number, found in enumerate(rounds):
        now_s = number * USUAL_LIMITS.calm_s
        made = changes(found, list(alerts.values()), now_s)
        assert not {one for one, _ in made.hold} & set(made.end)
        for one, _ in made.hold:
            alerts[one] = replace(alerts[one], held_s=now_s)
        for one in made.end:
            del alerts[one]
        for one in made.begin:
            begun = Open(id=len(alerts) + 100 * number, kind=one.kind, label=one.label, begun_s=now_s,
                         held_s=now_s)  # fmt: skip
            alerts[begun.id] = begun
        keys = [(one.kind, one.label) for one in alerts.values()]
        assert len(keys) == len(set(keys))
        assert {(one.kind, one.label) for one in found} <= set(keys)
