"""What drifted, as small pictures: level, rates and spectrum now against the reference. Pure."""

from dataclasses import dataclass
from typing import Final

from aggregator.domain.drift_levels import LevelHour
from aggregator.domain.drift_posteriors import SHIFTED
from aggregator.domain.drift_spectra import BIN_RISE_DB
from aggregator.services.drift_views import DriftView, LabelDrift
from aggregator.web.charts import (
    BOX_HEIGHT,
    BOX_WIDTH,
    Tick,
    band,
    bin_centres_hz,
    frequency_ticks,
    level_ticks,
    line,
    minus,
    runs,
)
from aggregator.web.history_chart import Mark

LOWEST_DBFS: Final = -100.0
WIDEST_DB: Final = 20.0
"""Differences of the spectrum beyond are drawn as this."""
_HOUR_S: Final = 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A band of level on a scale from ``LOWEST_DBFS`` to full scale, in the box."""

    left: float
    width: float
    middle: float
    title: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelPicture:
    """A label's rates as shares of the most frequent one's."""

    drift: LabelDrift
    now: float
    usual: float
    title: str
    shifted: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Bin:
    """The difference in one mel bin: a bar from the middle line upwards or downwards."""

    left: float
    width: float
    top: float
    height: float
    risen: bool
    title: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftPicture:
    """A node's drift, ready to draw."""

    view: DriftView
    now: Span | None
    usual: Span | None
    labels: tuple[LabelPicture, ...]
    bins: tuple[Bin, ...]
    bands: tuple[str, ...]
    lines: tuple[str, ...]
    points: tuple[Mark, ...]
    level_ticks: tuple[Tick, ...]
    frequency_ticks: tuple[Tick, ...]
    usual_top: float
    usual_height: float
    """The usual band of level behind the last two days, in the box."""


def drift_picture(view: DriftView | None) -> DriftPicture | None:
    """The picture of ``view``; None if nothing was computed yet."""
    if view is None or view.made_s is None:
        return None
    usual = view.usual_level
    bands, lines, points = _hours(view)
    return DriftPicture(
        view=view, now=_span("now", view.level), usual=_span("usually", usual), labels=_labels(view),
        level_ticks=level_ticks(LOWEST_DBFS, 0.0), frequency_ticks=_frequencies(),
        bins=_bins(view), bands=bands, lines=lines, points=points,
        usual_top=round(BOX_HEIGHT * (1 - _share(usual.high_dbfs)), 1) if usual else 0.0,
        usual_height=round(BOX_HEIGHT * _width(usual), 1) if usual else 0.0,
    )  # fmt: skip


def _frequencies() -> tuple[Tick, ...]:
    """Those of a spectrogram, whose low end is at the bottom, with the low end at the left."""
    return tuple(
        Tick(at_percent=round(100 - tick.at_percent, 2), text=tick.text) for tick in frequency_ticks()
    )


def _share(dbfs: float) -> float:
    return min(max(1 - dbfs / LOWEST_DBFS, 0.0), 1.0)


def _width(hour: LevelHour) -> float:
    return _share(hour.high_dbfs) - _share(hour.low_dbfs)


def _words(hour: LevelHour) -> str:
    return minus(f"{hour.low_dbfs:.0f} to {hour.high_dbfs:.0f}, middle {hour.middle_dbfs:.0f}") + " dBFS"


def _span(when: str, hour: LevelHour | None) -> Span | None:
    if hour is None:
        return None
    return Span(
        left=round(BOX_WIDTH * _share(hour.low_dbfs), 1),
        width=max(round(BOX_WIDTH * _width(hour), 1), 4.0),
        middle=round(BOX_WIDTH * _share(hour.middle_dbfs), 1),
        title=f"{when} {_words(hour)}",
    )


def _labels(view: DriftView) -> tuple[LabelPicture, ...]:
    most = max((max(one.per_hour, one.usual_per_hour) for one in view.labels), default=0.0) or 1.0
    return tuple(
        LabelPicture(
            drift=one, now=round(BOX_WIDTH * one.per_hour / most, 1),
            usual=round(BOX_WIDTH * one.usual_per_hour / most, 1),
            title=f"{one.label}: {one.per_hour:.3g} an hour, usually {one.usual_per_hour:.3g}",
            shifted=one.shift is not None and one.shift >= SHIFTED,
        )
        for one in view.labels
    )  # fmt: skip


def _bins(view: DriftView) -> tuple[Bin, ...]:
    if view.spectrum is None or view.usual_spectrum is None:
        return ()
    width = BOX_WIDTH / len(view.spectrum.floor_db)
    centres = bin_centres_hz(len(view.spectrum.floor_db))
    made = []
    pairs = zip(view.spectrum.floor_db, view.usual_spectrum.floor_db, strict=True)
    for index, (now, usual) in enumerate(pairs):
        tall = BOX_HEIGHT / 2 * min(abs(now - usual) / WIDEST_DB, 1.0)
        made.append(
            Bin(
                left=round(index * width, 2), width=round(width, 2), height=round(tall, 1),
                top=round(BOX_HEIGHT / 2 - (tall if now > usual else 0.0), 1),
                risen=now - usual >= BIN_RISE_DB,
                title=minus(f"{centres[index]:.0f} Hz: {now - usual:+.0f} dB, now {now:.0f} dB"),
            )
        )  # fmt: skip
    return tuple(made)


def _hours(view: DriftView) -> tuple[tuple[str, ...], tuple[str, ...], tuple[Mark, ...]]:
    if not view.hours:
        return (), (), ()
    first_s = view.hours[0].start_s
    by_place = {round((one.start_s - first_s) / _HOUR_S): one for one in view.hours}
    count = max(by_place) + 1
    bands, lines = [], []
    for begin, end in runs([place in by_place for place in range(count)]):
        some = [by_place[place] for place in range(begin, end)]
        lows, highs = [_share(one.low_dbfs) for one in some], [_share(one.high_dbfs) for one in some]
        bands.append(band(lows, highs, begin, count))
        lines.append(line([_share(one.middle_dbfs) for one in some], begin, count))
    width = BOX_WIDTH / count
    points = tuple(
        Mark(left=round(place * width, 2), width=round(width, 2), title=_words(one))
        for place, one in by_place.items()
    )
    return tuple(bands), tuple(lines), points
