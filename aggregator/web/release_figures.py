"""Figures of two bundles side by side, as the pages write them. Pure."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

from aggregator.domain.confusion import Confusion, confusion
from aggregator.domain.figures import Answer, Figures, reported
from aggregator.domain.gate_rules import PARITY
from aggregator.web.formats import NOTHING, size, spoken

MOST_LABELS: Final = 40
"""A larger table of confusions shows nothing any more."""
_HEATS: Final = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class FigureRow:
    """One figure of both."""

    name: str
    candidate: str
    incumbent: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HeatCell:
    """A count, and how strongly it is coloured, 0 to 10."""

    count: int
    heat: int
    right: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class HeatTable:
    """Which sounds a bundle takes for which."""

    said: tuple[str, ...]
    rows: tuple[tuple[str, tuple[HeatCell, ...]], ...]


def figure_rows(candidate: Figures, incumbent: Figures) -> list[FigureRow]:
    """Every figure of both, worded."""
    return [
        FigureRow(name=name, candidate=worded(candidate), incumbent=worded(incumbent))
        for name, worded in _figures(candidate, incumbent)
    ]


def heat_table(figures: Figures) -> HeatTable | None:
    """The confusions of a bundle over windows and clips; None if there are too many labels to see them."""
    found = confusion((*figures.windows, *figures.clips), figures.targets)
    if not found.truths or len(found.said) > MOST_LABELS:
        return None
    return HeatTable(
        said=tuple(spoken(label) for label in found.said),
        rows=tuple(
            (spoken(truth), tuple(_cell(found, row, column) for column in range(len(found.said))))
            for row, truth in enumerate(found.truths)
        ),
    )


def _figures(candidate: Figures, incumbent: Figures) -> Iterator[tuple[str, Callable[[Figures], str]]]:
    yield "Right on reviewed windows", lambda one: _right(one.windows)
    yield "Right on base clips", lambda one: _right(one.clips)
    for label in dict.fromkeys((*candidate.targets, *incumbent.targets)):
        yield f"Recall of {spoken(label)}", partial(_recall, label)
    yield "False alarms per hour", lambda one: f"{one.streams.per_hour:.2f}"
    yield "Detections in silence", lambda one: str(one.silence.count)
    yield "Detections in noise", lambda one: str(one.noise.count)
    yield "Quantized as trained", lambda one: _share(one.parity[PARITY]) if PARITY in one.parity else NOTHING
    yield "Size", lambda one: size(one.size_bytes)
    yield "Computing time per second of sound", lambda one: f"{one.cost_ms_per_s:.2f} ms"


def _right(answers: Sequence[Answer]) -> str:
    if not answers:
        return NOTHING
    right = sum(reported(one.said) == reported(one.truth) for one in answers)
    return f"{_share(right / len(answers))} of {len(answers)}"


def _recall(label: str, figures: Figures) -> str:
    return _right([one for one in (*figures.windows, *figures.clips) if one.truth == label])


def _share(share: float) -> str:
    return f"{100 * share:.1f} %"


def _cell(found: Confusion, row: int, column: int) -> HeatCell:
    return HeatCell(
        count=found.counts[row][column],
        heat=round(_HEATS * found.share(row, column)),
        right=found.truths[row] == found.said[column],
    )
