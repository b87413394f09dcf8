import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.services.fleet import DetectionCounts, GapView, LevelPoint, LevelSeries
from aggregator.web import charts
from aggregator.web.history_chart import count_lanes, level_chart, time_ticks
from aggregator.web.window_chart import window_chart
from contract.manifest import ANOMALY_LABELS
from tests.aggregator.web import world


@given(st.floats(1, 8000))
def test_mel_and_hertz_are_inverse(hz: float) -> None:
    assert charts.mel_to_hz(charts.hz_to_mel(hz)) == pytest.approx(hz)


def test_frequency_marks_lie_at_the_rows_of_their_bins() -> None:
    centres = charts.bin_centres_hz()
    at = {tick.text: tick.at_percent for tick in charts.frequency_ticks()}
    nearest = int(np.abs(np.array(centres) - 2000).argmin())
    assert at["2 kHz"] == pytest.approx(100 * (1 - (nearest + 0.5) / len(centres)), abs=1)
    positions = [tick.at_percent for tick in charts.frequency_ticks()]
    assert positions == sorted(positions, reverse=True)
    assert all(0 < position < 100 for position in positions)


@given(st.floats(0.02, 30))
def test_seconds_begin_at_zero_and_stay_inside(duration_s: float) -> None:
    ticks = charts.seconds_ticks(duration_s)
    assert ticks[0].at_percent == 0
    assert all(0 <= tick.at_percent <= 100.001 for tick in ticks)
    assert len(ticks) <= 9


@given(st.lists(st.floats(-0.5, 1.5), min_size=1, max_size=50))
def test_curves_stay_in_their_box(values: list[float]) -> None:
    for pair in charts.area(values, len(values)).split():
        x, y = (float(number) for number in pair.split(","))
        assert 0 <= x <= charts.BOX_WIDTH
        assert 0 <= y <= charts.BOX_HEIGHT


def test_a_window_chart_marks_what_was_heard() -> None:
    chart = window_chart(world.a_window(1), world.a_detection(1))
    assert chart.duration_s == 3.0
    assert (chart.heard_from_percent, chart.heard_width_percent) == (pytest.approx(20), pytest.approx(30))
    detected = chart.lanes[0]
    assert detected.is_detected
    assert detected.label == "dog"
    assert detected.threshold_y == 50
    assert len(detected.titles) == 15
    assert all(lane.threshold_y is None for lane in chart.lanes[1:])


def test_a_detection_outside_its_window_is_marked_at_the_edge() -> None:
    chart = window_chart(world.a_window(1), world.a_detection(1, start_s=0.0, end_s=1.0))
    assert (chart.heard_from_percent, chart.heard_width_percent) == (0, 0)


def test_only_labels_that_mattered_get_a_lane() -> None:
    labels = tuple(f"label {index}" for index in range(1000))
    posteriors = np.full((15, 1000), 0.0001, np.float32)
    posteriors[3, 7] = 0.8
    window = world.a_window(1, labels=labels, posteriors=posteriors)
    chart = window_chart(window, world.a_detection(1, label="label 500"))
    assert [lane.label for lane in chart.lanes] == ["label 500", "label 7"]


def test_an_anomaly_has_one_lane_whose_numbers_are_scores() -> None:
    window = world.a_window(1)
    scores = window.posteriors[:, :1]
    window = world.a_window(
        1, labels=ANOMALY_LABELS, posteriors=np.concatenate([1 - scores, scores], axis=1).astype(np.float32)
    )
    chart = window_chart(window, world.a_detection(1, label="anomaly"))
    assert [lane.label for lane in chart.lanes] == ["anomaly"]
    assert any("anomaly 0.94 at" in words for _, _, words in chart.lanes[0].titles)


def series(*starts: float) -> LevelSeries:
    points = tuple(LevelPoint(start_s=s, min_dbfs=-60, mean_dbfs=-50, max_dbfs=-30) for s in starts)
    return LevelSeries(since_s=0.0, until_s=100.0, bucket_s=10.0, points=points)


def test_level_is_not_drawn_through_silence() -> None:
    chart = level_chart(series(0, 10, 50, 60), ())
    assert chart is not None
    assert len(chart.lines) == len(chart.bands) == 2
    assert chart.lines[0].startswith("50.0,")
    assert len(chart.points) == 4


def test_no_level_is_no_chart() -> None:
    assert level_chart(series(), ()) is None


def test_gaps_are_drawn_where_they_lie() -> None:
    inside = GapView(reason="input_lost", start_s=20, end_s=40, count=0)
    before = GapView(reason="input_lost", start_s=-40, end_s=-20, count=0)
    chart = level_chart(series(0), (inside, before))
    assert chart is not None
    assert [(gap.left, gap.width) for gap in chart.gaps] == [(200, 200)]
    assert chart.gaps[0].title.startswith("not heard: input was lost")


def test_bars_share_one_scale() -> None:
    counts = {"dog": (0, 4), "rain": (2, 0)}
    lanes = count_lanes(DetectionCounts(since_s=0, until_s=20, bucket_s=10, counts=counts))
    assert [(lane.label, lane.total) for lane in lanes] == [("dog", 4), ("rain", 2)]
    assert lanes[0].bars[0].share == 1
    assert lanes[1].bars[0].share == 0.5
    assert lanes[0].bars[0].left == 500
    assert count_lanes(DetectionCounts(since_s=0, until_s=20, bucket_s=10, counts={})) == ()


@given(st.floats(1e9, 2e9), st.sampled_from([3600, 86_400, 604_800]))
def test_time_marks_are_round_and_few(since_s: float, span_s: int) -> None:
    ticks = time_ticks(since_s, since_s + span_s)
    assert 2 <= len(ticks) <= 7
    assert all(0 <= tick.at_percent <= 100 for tick in ticks)
