"""Geometry of the charts. Pure: numbers in, positions out; the templates draw them.

Positions along an axis are percent of its length, so that a chart fills any width while its text keeps its
size. Curves lie in a box of ``BOX_WIDTH`` by ``BOX_HEIGHT`` that is stretched over the plot; y grows
downwards.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final

from contract.audio import MEL_BINS

BOX_WIDTH: Final = 1000
BOX_HEIGHT: Final = 100

MEL_LOW_HZ: Final = 30.0
MEL_HIGH_HZ: Final = 8000.0
_FREQUENCIES_HZ: Final = (250, 500, 1000, 2000, 4000, 7000)

_LINEAR_HZ: Final = 1000.0
_HZ_PER_MEL: Final = 200.0 / 3
_LOG_STEP: Final = math.log(6.4) / 27
"""Slaney's mel scale: linear up to 1 kHz, logarithmic above."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick:
    """A mark on an axis; percent from the left, or from the top."""

    at_percent: float
    text: str


def hz_to_mel(hz: float) -> float:
    """Slaney's mel of a frequency.

    >>> round(hz_to_mel(1000.0), 6)
    15.0
    """
    if hz < _LINEAR_HZ:
        return hz / _HZ_PER_MEL
    return _LINEAR_HZ / _HZ_PER_MEL + math.log(hz / _LINEAR_HZ) / _LOG_STEP


def mel_to_hz(mel: float) -> float:
    """The inverse of ``hz_to_mel``."""
    if mel < _LINEAR_HZ / _HZ_PER_MEL:
        return mel * _HZ_PER_MEL
    return _LINEAR_HZ * math.exp((mel - _LINEAR_HZ / _HZ_PER_MEL) * _LOG_STEP)


def bin_centres_hz(mel_bins: int = MEL_BINS) -> list[float]:
    """Centre frequency of each mel bin, rising.

    >>> len(bin_centres_hz())
    80
    """
    low, high = hz_to_mel(MEL_LOW_HZ), hz_to_mel(MEL_HIGH_HZ)
    return [mel_to_hz(low + (high - low) * (index + 1) / (mel_bins + 1)) for index in range(mel_bins)]


def frequency_ticks(mel_bins: int = MEL_BINS) -> tuple[Tick, ...]:
    """Marks for the frequency axis of a spectrogram whose rows are mel bins, lowest at the bottom."""
    low, high = hz_to_mel(MEL_LOW_HZ), hz_to_mel(MEL_HIGH_HZ)

    def place(hz: int) -> float:
        # Row i is drawn around the centre of bin i, which lies (i + 1) steps above the lower end.
        row = (hz_to_mel(hz) - low) / (high - low) * (mel_bins + 1) - 0.5
        return 100 * (1 - row / mel_bins)

    return tuple(Tick(at_percent=round(place(hz), 2), text=_frequency(hz)) for hz in _FREQUENCIES_HZ)


def seconds_ticks(duration_s: float, most: int = 8) -> tuple[Tick, ...]:
    """Marks from zero along a window of sound.

    >>> [tick.text for tick in seconds_ticks(2.0)]
    ['0', '0.5', '1', '1.5', '2 s']
    """
    step = _nice_step(duration_s / most, (1.0, 2.0, 5.0))
    count = int(duration_s / step + 1e-6)
    texts = [f"{index * step:g}" for index in range(count + 1)]
    texts[-1] += " s"
    return tuple(
        Tick(at_percent=round(100 * index * step / duration_s, 3), text=text)
        for index, text in enumerate(texts)
    )


def level_ticks(low_db: float, high_db: float, most: int = 5) -> tuple[Tick, ...]:
    """Marks of a decibel axis, ``high_db`` on top."""
    step = _nice_step((high_db - low_db) / most, (1.0, 2.0, 5.0))
    first = math.ceil(low_db / step)
    values = [index * step for index in range(first, math.floor(high_db / step) + 1)]
    return tuple(
        Tick(at_percent=round(100 * (high_db - value) / (high_db - low_db), 2), text=minus(f"{value:g}"))
        for value in values
    )


def minus(number: str) -> str:
    """A formatted number with a real minus sign."""
    return number.replace("-", "−")


def area(values: Sequence[float], count: float) -> str:
    """Points of the surface between a line through ``values`` (0..1) and the ground; see ``line``."""
    points = list(_points(values, 0, count))
    if not points:
        return ""
    first, last = points[0].split(",")[0], points[-1].split(",")[0]
    return " ".join([f"{first},{BOX_HEIGHT}", *points, f"{last},{BOX_HEIGHT}"])


def runs(present: Sequence[bool]) -> Iterator[tuple[int, int]]:
    """Stretches of true values as (begin, end), so that a curve is not drawn through missing time.

    >>> list(runs([True, True, False, True]))
    [(0, 2), (3, 4)]
    """
    for is_present, group in groupby(range(len(present)), key=lambda index: present[index]):
        indices = list(group)
        if is_present:
            yield indices[0], indices[-1] + 1


def band(lows: Sequence[float], highs: Sequence[float], first: int, count: float) -> str:
    """Points of the surface between two curves (0..1) whose first value is share ``first`` of ``count``."""
    top = list(_points(highs, first, count))
    bottom = list(_points(lows, first, count))
    return " ".join([*top, *reversed(bottom)])


def line(values: Sequence[float], first: int, count: float) -> str:
    """Points of a line through ``values`` (0..1), each in the middle of its share of the width.

    The width has ``count`` equal shares; the first value has share number ``first``.

    >>> line([0.0, 1.0], 0, 2)
    '250.0,100.0 750.0,0.0'
    """
    return " ".join(_points(values, first, count))


def _points(values: Sequence[float], first: int, count: float) -> Iterator[str]:
    width = BOX_WIDTH / count
    if len(values) == 1:
        # A lone value would be a point of no width.
        y = _y(values[0])
        yield f"{first * width:.1f},{y}"
        yield f"{(first + 1) * width:.1f},{y}"
        return
    for index, value in enumerate(values):
        yield f"{(first + index + 0.5) * width:.1f},{_y(value)}"


def _y(value: float) -> str:
    return f"{BOX_HEIGHT * (1 - min(max(value, 0.0), 1.0)):.1f}"


def _frequency(hz: int) -> str:
    return f"{hz / 1000:g} kHz" if hz >= 1000 else f"{hz} Hz"


def _nice_step(least: float, mantissas: tuple[float, ...]) -> float:
    decade = 10.0 ** math.floor(math.log10(max(least, 1e-9)))
    for mantissa in mantissas:
        if mantissa * decade >= least * (1 - 1e-9):
            return mantissa * decade
    return 10 * decade
