"""A node's past as charts: sound level, and detections per label. Pure."""

from dataclasses import dataclass
from typing import Final

from aggregator.services.fleet import DetectionCounts, GapView, LevelPoint, LevelSeries
from aggregator.web.charts import BOX_WIDTH, Tick, band, level_ticks, line, minus, runs
from aggregator.web.formats import gap_words, iso, utc

_STEPS_S: Final = (60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400, 172_800)
_MOST_TIME_TICKS: Final = 6
_LEVEL_STEP_DB: Final = 10
_LOWEST_DBFS: Final = -100.0


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeTick:
    """A moment on the time axis; the page writes it in the reader's zone."""

    at_percent: float
    iso: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """A stretch of time, in the box, and what the pointer is told there."""

    left: float
    width: float
    title: str
    share: float = 1.0
    """How high it reaches, 0 to 1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelChart:
    """Sound level over time."""

    ticks: tuple[Tick, ...]
    bands: tuple[str, ...]
    lines: tuple[str, ...]
    points: tuple[Mark, ...]
    gaps: tuple[Mark, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CountLane:
    """How often one label was detected over time."""

    label: str
    total: int
    bars: tuple[Mark, ...]


def time_ticks(since_s: float, until_s: float) -> tuple[TimeTick, ...]:
    """Marks at round times between two moments."""
    span = until_s - since_s
    step = next((step for step in _STEPS_S if span / step <= _MOST_TIME_TICKS), _STEPS_S[-1])
    first = int(since_s // step + 1) * step
    moments = range(first, int(until_s) + 1, step)
    return tuple(
        TimeTick(
            at_percent=round(100 * (moment - since_s) / span, 2), iso=iso(moment), text=_clock(moment, step)
        )
        for moment in moments
    )


def level_chart(series: LevelSeries, gaps: tuple[GapView, ...]) -> LevelChart | None:
    """The chart of ``series``, or None if nothing was heard in its time."""
    if not series.points:
        return None
    low, high = _span(series.points)
    count = (series.until_s - series.since_s) / series.bucket_s
    by_bucket = {round((point.start_s - series.since_s) / series.bucket_s): point for point in series.points}
    present = [index in by_bucket for index in range(max(by_bucket) + 1)]

    def height(dbfs: float) -> float:
        return (dbfs - low) / (high - low)

    stretches = [(first, [by_bucket[index] for index in range(first, end)]) for first, end in runs(present)]
    return LevelChart(
        ticks=level_ticks(low, high),
        bands=tuple(
            band([height(p.min_dbfs) for p in points], [height(p.max_dbfs) for p in points], first, count)
            for first, points in stretches
        ),
        lines=tuple(line([height(p.mean_dbfs) for p in points], first, count) for first, points in stretches),
        points=tuple(_level_mark(index, by_bucket[index], count) for index in sorted(by_bucket)),
        gaps=tuple(_gap_mark(gap, series) for gap in gaps if _overlaps(gap, series)),
    )


def count_lanes(counts: DetectionCounts) -> tuple[CountLane, ...]:
    """A lane of bars per label; all share one scale."""
    highest = max((max(row, default=0) for row in counts.counts.values()), default=0)
    return tuple(
        CountLane(label=label, total=sum(row), bars=_bars(label, row, highest, counts))
        for label, row in counts.counts.items()
    )


def _bars(label: str, row: tuple[int, ...], highest: int, counts: DetectionCounts) -> tuple[Mark, ...]:
    width = BOX_WIDTH / max(len(row), 1)
    return tuple(
        Mark(
            left=round(index * width, 1),
            width=round(width * 0.8, 1),
            title=f"{count} × {label}, from {utc(counts.since_s + index * counts.bucket_s)}",
            share=count / highest,
        )
        for index, count in enumerate(row)
        if count
    )


def _span(points: tuple[LevelPoint, ...]) -> tuple[float, float]:
    low = max(min(point.min_dbfs for point in points), _LOWEST_DBFS)
    high = max(point.max_dbfs for point in points)
    low = _LEVEL_STEP_DB * (low // _LEVEL_STEP_DB)
    return low, max(-_LEVEL_STEP_DB * (-high // _LEVEL_STEP_DB), low + 2 * _LEVEL_STEP_DB)


def _level_mark(index: int, point: LevelPoint, count: float) -> Mark:
    width = BOX_WIDTH / count
    numbers = minus(f"{point.min_dbfs:.0f} to {point.max_dbfs:.0f}, mean {point.mean_dbfs:.0f}")
    title = f"{utc(point.start_s)}: {numbers} dBFS"
    return Mark(left=round(index * width, 2), width=round(width, 2), title=title)


def _overlaps(gap: GapView, series: LevelSeries) -> bool:
    return gap.end_s >= series.since_s and gap.start_s <= series.until_s


def _gap_mark(gap: GapView, series: LevelSeries) -> Mark:
    scale = BOX_WIDTH / (series.until_s - series.since_s)
    begin, end = max(gap.start_s, series.since_s), min(gap.end_s, series.until_s)
    lost = f"{gap.count} messages lost" if gap.count else "not heard"
    title = f"{lost}: {gap_words(gap.reason)}, {utc(gap.start_s)} to {utc(gap.end_s)}"
    # Narrower than two units it could not be seen, nor pointed at.
    return Mark(
        left=round((begin - series.since_s) * scale, 1),
        width=max(round((end - begin) * scale, 1), 2.0),
        title=title,
    )


def _clock(moment_s: int, step_s: int) -> str:
    text = utc(moment_s)
    return text[5:10] if step_s >= 86_400 else text[11:16]
