"""The pure measures of a report."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from model_build.evaluate import Heard
from model_build.report.alarms import Asked, OperatingPoint, moved_thresholds, weigh_alarms
from model_build.report.calibration import calibrate
from model_build.report.clip_scores import (
    ClipScores,
    confusion,
    right_share,
    score_clips,
    separation,
    separations,
)
from model_build.report.intervals import poisson_upper, wilson
from model_build.report.latency import measure_latency, word_span
from model_build.report.nothing import coloured, judge_nothing, nothings
from model_build.report.passages import LATE_S, embed
from model_build.report.rules import Rules
from model_build.report.treatments import TREATMENTS
from model_build.sweep import STEP_S

RULES = Rules(
    labels=("yes", "no", "_silence_"),
    thresholds={"yes": 0.6, "no": 0.7},
    smoothing_s=0.12,
    refractory_s=0.3,
    clip_rule="end",
    clip_gate_db=None,
)


@settings(deadline=None)
@given(of=st.integers(1, 2000), data=st.data())
def test_wilson_holds_the_part_and_grows_with_it(of: int, data: st.DataObject) -> None:
    right = data.draw(st.integers(0, of))
    low, high = wilson(right, of)
    assert 0.0 <= low <= right / of <= high <= 1.0
    if right < of:
        assert wilson(right + 1, of)[0] > low
        assert wilson(right + 1, of)[1] >= high
    wider = wilson(right * 4, of * 4)
    assert wider[1] - wider[0] < high - low


@settings(deadline=None)
@given(count=st.integers(0, 500), hours=st.floats(0.01, 1000))
def test_the_bound_of_a_rate_rises_with_the_count_and_falls_with_the_hours(count: int, hours: float) -> None:
    bound = poisson_upper(count, hours)
    assert bound > count / hours
    assert poisson_upper(count + 1, hours) > bound > poisson_upper(count, 2 * hours)


def test_the_bound_of_a_rate_is_exact() -> None:
    """P(X ≤ 3 | mean 7.7537) = 5 %, as tables of the Poisson distribution have it."""
    assert poisson_upper(3, 1.0) == pytest.approx(7.75366, abs=1e-4)
    assert poisson_upper(0, 0.0) == math.inf


def made_scores(seed: int, clips: int, *, trust: float) -> ClipScores:
    """Decisions between two labels, right as often as the posterior to the power of ``trust`` says."""
    draw = np.random.default_rng(seed)
    posterior = draw.uniform(0.5, 1.0, clips)
    right = draw.random(clips) < posterior**trust
    return ClipScores(truth=np.where(right, 0, 1), posteriors=np.stack([posterior, 1 - posterior], axis=1))


def test_posteriors_that_are_probabilities_are_well_calibrated() -> None:
    good = calibrate(made_scores(1, 40_000, trust=1.0))
    bad = calibrate(made_scores(1, 40_000, trust=3.0))
    assert good.expected_error < 0.012
    assert bad.expected_error > 0.15
    assert good.brier < bad.brier
    assert sum(one.clips for one in good.bins) == 40_000


def test_a_sure_and_right_model_has_no_calibration_error() -> None:
    scores = ClipScores(truth=np.array([0, 1]), posteriors=np.eye(2))
    result = calibrate(scores)
    assert (result.expected_error, result.brier) == (0.0, 0.0)


@settings(deadline=None)
@given(
    scores=arrays.arrays(
        np.float64, st.integers(2, 300), elements=st.sampled_from([0.0, 0.2, 0.5, 0.9, 1.0])
    ),
    data=st.data(),
)
def test_a_trade_off_curve_falls_from_all_missed_to_none(scores: np.ndarray, data: st.DataObject) -> None:
    own = np.array(data.draw(st.lists(st.booleans(), min_size=scores.size, max_size=scores.size)))
    own[:2] = True, False
    result = separation(scores, own)
    assert (np.diff(result.miss) <= 0).all()
    assert (np.diff(result.false_positive) >= 0).all()
    assert (result.miss[0], result.false_positive[0]) == (1.0, 0.0)
    assert (result.miss[-1], result.false_positive[-1]) == (0.0, 1.0)
    pairs = scores[own][:, None] - scores[~own][None, :]
    assert result.area == pytest.approx((pairs > 0).mean() + (pairs == 0).mean() / 2)


def test_a_long_curve_keeps_its_corners_and_its_size() -> None:
    draw = np.random.default_rng(0)
    own = np.arange(5000) % 3 == 0
    result = separation(draw.normal(size=5000) + own, own)
    assert len(result.miss) <= 120
    assert 0.7 < result.area < 0.85
    assert 0.25 < result.equal_error < 0.36


def test_clips_are_counted_by_what_they_are_and_were_taken_for() -> None:
    rows = {"yes": (0.8, 0.1, 0.1), "no": (0.6, 0.3, 0.1)}
    heard = [
        Heard(label=label, posteriors=np.array([row], np.float32), levels_db=(-20.0,))
        for label, row in rows.items()
    ]
    scores = score_clips(heard, RULES)
    assert confusion(scores, 3).tolist() == [[1, 0, 0], [1, 0, 0], [0, 0, 0]]
    assert (right_share(scores).right, right_share(scores).clips) == (1, 2)
    assert set(separations(scores, RULES.labels)) == {"yes", "no"}


def asked(label: str, *posteriors: float, first: int = 0, last: int = 99) -> Asked:
    column = RULES.labels.index(label)
    rows = np.zeros((len(posteriors), 3), np.float32)
    rows[:, column] = posteriors
    return Asked(label=label, posteriors=rows, steps=(first, last))


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_the_bundle_as_it_is_is_counted_as_its_detector_counts(seed: int) -> None:
    draw = np.random.default_rng(seed)
    streams = [draw.random((n, 3)).astype(np.float32) for n in (80, 33)]
    clips = [asked(label, *draw.random(20), first=5, last=15) for label in ("yes", "no") for _ in range(4)]
    result = weigh_alarms(streams, 0.1, clips, RULES)
    assert result.as_it_is.false_alarms == sum(len(RULES.detections(stream)) for stream in streams)
    hits = sum(
        any(
            found.label == one.label and 5 <= found.start_step <= 15
            for found in RULES.detections(one.posteriors)
        )
        for one in clips
    )
    assert result.as_it_is.missed == len(clips) - hits


def test_higher_thresholds_miss_more_and_the_limits_are_kept() -> None:
    draw = np.random.default_rng(2)
    streams = [(draw.random((4000, 3)) ** 2).astype(np.float32)]
    clips = [asked("yes", *[peak] * 9) for peak in np.linspace(0.5, 0.999, 60)]
    result = weigh_alarms(streams, 4000 * STEP_S / 3600, clips, RULES)
    missed = [point.missed for point in result.curve]
    assert missed == sorted(missed)
    assert result.at_budget is not None
    assert result.at_budget.per_hour <= 0.5
    assert result.at_miss_10 is not None
    assert result.at_miss_10.miss_rate <= 0.1
    assert all(point.per_hour_upper > point.per_hour for point in result.curve)


def test_without_hours_nothing_is_claimed() -> None:
    result = weigh_alarms([], 0.0, [asked("yes", *[0.9] * 9)], RULES)
    assert (result.at_budget, result.at_miss_10, result.at_miss_5) == (None, None, None)
    assert math.isnan(result.as_it_is.per_hour)
    assert result.as_it_is.missed == 0


def test_the_knob_at_zero_is_the_bundle_and_keeps_silent_labels_silent() -> None:
    levels = moved_thresholds(RULES)
    assert np.array_equal(levels[:, levels.shape[1] // 2], [0.6, 0.7, 1.0])
    assert (np.diff(levels[:2], axis=1) > 0).all()
    assert (levels[2] == 1.0).all()
    assert isinstance(weigh_alarms([], 0.0, [], RULES).as_it_is, OperatingPoint)


def test_a_word_lasts_while_it_is_loud() -> None:
    draw = np.random.default_rng(0)
    clip = draw.normal(size=16_000) * 20
    clip[4000:9600] += 8000 * np.sin(np.arange(5600))
    assert word_span(clip.astype(np.int16)) == (4000, 9600)
    assert word_span(np.zeros(16_000, np.int16)) == (0, 0)


def test_a_latency_is_counted_from_the_words_end_to_the_end_of_the_step() -> None:
    one = asked("yes", 0, 0, 0, 1, 1, 1, 0, 0, 0, last=8)
    found = RULES.detections(one.posteriors)[0]
    result = measure_latency([one, asked("no", 0.1, 0.1)], [(1280, 5120), (0, 100)], RULES)
    assert (result.detected, result.clips) == (1, 2)
    assert result.from_end_s == (pytest.approx((found.end_step + 1) * STEP_S - 5120 / 16_000),)
    assert result.quantile(0.5, start=True) == pytest.approx((found.end_step + 1) * STEP_S - 0.08)


def test_a_clip_lies_whole_between_the_end_of_one_recording_and_the_beginning_of_the_next() -> None:
    clip = np.arange(1, 16_001).astype(np.int16)
    around = [np.full(60_000, -1, np.int16), np.full(500, -2, np.int16)]
    for index, passage in enumerate(embed([("yes", clip)] * 5, around)):
        assert np.array_equal(passage.pcm[passage.start : passage.end], clip)
        assert set(passage.pcm[: passage.start]) == {-1 - index % 2}
        assert set(passage.pcm[passage.end :]) == {-1 - (index + 1) % 2}
        assert passage.pcm.size % 1280 == 0
        first, last = passage.steps
        assert first * 1280 <= passage.start < (first + 1) * 1280
        assert last * STEP_S <= passage.end / 16_000 + LATE_S


def test_without_recordings_a_clip_lies_in_faint_noise_and_always_in_the_same() -> None:
    clips = [("yes", np.full(8000, 9, np.int16))]
    first, again = next(embed(clips, [])), next(embed(clips, []))
    assert np.array_equal(first.pcm, again.pcm)
    assert 20 < first.pcm[: first.start].std() < 45


def test_treatments_do_what_their_names_say() -> None:
    draw = np.random.default_rng(0)
    clip = np.clip(draw.normal(size=16_000) * 4000, -32768, 32767).astype(np.int16)
    treated = {name: treatment(clip) for name, treatment in TREATMENTS.items()}
    assert all(one.dtype == np.int16 and one.size == clip.size for one in treated.values())
    offset, clipped, quiet, narrow = treated.values()
    assert offset.mean() == pytest.approx(3277, abs=120)
    assert (np.abs(clipped.astype(int)) >= 32767).mean() > 0.3
    assert quiet.std() == pytest.approx(clip.std() / 100, rel=0.02)
    power = np.abs(np.fft.rfft(narrow.astype(float))) ** 2
    assert power[4200:].sum() < 1e-4 * power.sum()


def test_nothing_is_as_loud_as_it_says() -> None:
    kinds = dict(nothings())
    assert not kinds["digital silence"].any()
    full_sine = 32768**2 / 2
    for colour in ("white", "pink"):
        power = np.mean(kinds[f"{colour} noise, -40 dB"].astype(float) ** 2)
        assert 10 * np.log10(power / full_sine) == pytest.approx(-40, abs=0.05)
    pink = np.abs(np.fft.rfft(coloured(np.random.default_rng(1), 2**15, 0.5))) ** 2
    assert pink[100:200].sum() == pytest.approx(pink[1000:2000].sum(), rel=0.3)


def test_detections_in_nothing_are_counted() -> None:
    rows = np.zeros((50, 3), np.float32)
    rows[10:20, 0], rows[30:40, 0], rows[:, 2] = 1.0, 1.0, 0.5
    result = judge_nothing(rows, RULES)
    assert result.detections == 2
    assert result.per_hour == pytest.approx(24.0)
    assert result.posteriors["yes"] == pytest.approx(0.4)
