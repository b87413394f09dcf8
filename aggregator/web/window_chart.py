"""What is drawn of one window: its spectrogram's axes and the posterior of each label below it. Pure."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from aggregator.domain.guesses import Guess
from aggregator.services.detections import DetectionView, WindowView
from aggregator.web.charts import (
    BOX_HEIGHT,
    BOX_WIDTH,
    Tick,
    area,
    bin_centres_hz,
    frequency_ticks,
    line,
    minus,
    seconds_ticks,
)
from aggregator.web.formats import certainty, is_score
from aggregator.web.spectrogram import decibels, level_span

_MOST_LANES: Final = 6
_WORTH_A_LANE: Final = 0.1
"""Labels whose posterior never reaches this are left out, but for the detected one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lane:
    """The posterior of one label over the window."""

    label: str
    is_detected: bool
    peak: float
    area: str
    line: str
    threshold_y: float | None
    titles: tuple[tuple[float, float, str], ...]
    """Left edge and width in the box, and what the pointer is told there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowChart:
    """Everything that the template places."""

    duration_s: float
    seconds: tuple[Tick, ...]
    frequencies: tuple[Tick, ...]
    low_db: str
    high_db: str
    heard_from_percent: float
    heard_width_percent: float
    lanes: tuple[Lane, ...]
    loudest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Marked:
    """The label that the chart is about, and the stretch that is marked in its lane."""

    label: str
    start_s: float
    end_s: float
    threshold: float | None


def window_chart(window: WindowView, heard: DetectionView) -> WindowChart:
    """The chart of ``window``, with ``heard`` marked in it."""
    return _chart(
        window,
        _Marked(
            label=heard.label,
            start_s=heard.start_s - window.start_s,
            end_s=heard.end_s - window.start_s,
            threshold=heard.threshold,
        ),
    )


def card_chart(window: WindowView, told: Guess) -> WindowChart:
    """The chart of ``window``, with the step at which the model was surest marked in it."""
    at_s = max(told.step, 0) * window.step_ms / 1000
    end_s = at_s + window.step_ms / 1000
    return _chart(window, _Marked(label=told.label or "", start_s=at_s, end_s=end_s, threshold=None))


def _chart(window: WindowView, marked: _Marked) -> WindowChart:
    duration_s = len(window.features) * window.hop_ms / 1000
    levels = decibels(window.features)
    span = level_span(levels)
    start, end = (_share(offset_s, duration_s) for offset_s in (marked.start_s, marked.end_s))
    return WindowChart(
        duration_s=duration_s,
        seconds=seconds_ticks(duration_s),
        frequencies=frequency_ticks(window.features.shape[1]),
        low_db=minus(f"{span.low_db:.0f}"),
        high_db=minus(f"{span.high_db:.0f}"),
        heard_from_percent=start,
        heard_width_percent=round(end - start, 2),
        lanes=tuple(_lane(window, index, marked, duration_s) for index in _shown(window, marked.label)),
        loudest=_loudest(levels, window.hop_ms),
    )


def _shown(window: WindowView, detected: str) -> list[int]:
    """Indices of the labels that get a lane: the detected one, then the surest."""
    if not len(window.posteriors):
        return []
    if is_score(detected):
        # The other label is one minus the score, which shows nothing more.
        return [window.labels.index(detected)] if detected in window.labels else []
    peaks = window.posteriors.max(axis=0)
    ranked = [int(index) for index in np.argsort(-peaks, kind="stable")]
    others = [index for index in ranked if peaks[index] >= _WORTH_A_LANE and window.labels[index] != detected]
    return [index for index in ranked if window.labels[index] == detected] + others[: _MOST_LANES - 1]


def _lane(window: WindowView, index: int, marked: _Marked, duration_s: float) -> Lane:
    label, values = window.labels[index], [float(value) for value in window.posteriors[:, index]]
    is_detected = label == marked.label
    step_s = window.step_ms / 1000
    width = BOX_WIDTH * step_s / duration_s
    threshold = marked.threshold if is_detected else None
    return Lane(
        label=label,
        is_detected=is_detected,
        peak=max(values),
        area=area(values, duration_s / step_s),
        line=line(values, 0, duration_s / step_s),
        threshold_y=None if threshold is None else BOX_HEIGHT * (1 - threshold),
        titles=tuple(
            (
                round(step * width, 1),
                round(width, 1),
                f"{label} {certainty(value, marked.label)} at {step * step_s:.2f} s",
            )
            for step, value in enumerate(values)
        ),
    )


def _share(offset_s: float, duration_s: float) -> float:
    return round(min(max(100 * offset_s / duration_s, 0.0), 100.0), 2)


def _loudest(levels_db: NDArray[np.float32], hop_ms: int) -> str:
    """The spectrogram in words, for those who do not see it."""
    frame, row = np.unravel_index(int(levels_db.argmax()), levels_db.shape)
    hertz = bin_centres_hz(levels_db.shape[1])[int(row)]
    level = minus(f"{levels_db.max():.0f}")
    return f"loudest {level} dB near {hertz:.0f} Hz after {frame * hop_ms / 1000:.1f} s"
