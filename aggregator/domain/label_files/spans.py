"""What every file of labels comes down to: stretches of time on a node, and what they are called."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from aggregator.domain.label_names import NONE_OF_THEM, label_name
from aggregator.errors import LabelError

LATEST_S: Final = 1e11
LONGEST_SPAN_S: Final = 86_400.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A stretch of time that somebody gave a label."""

    node: str
    start_s: float
    """Seconds since 1970."""
    end_s: float
    label: str | None
    """None: none of them."""
    reviewer: str = ""
    """Who said so; empty where the file does not tell."""
    window_id: int | None = None
    """The window, in a file that this program wrote. Only to look at: nothing is found by it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A span and where it stood."""

    number: int
    """Line of the file, from 1; of Label Studio's, the task."""
    span: Span


@dataclass(frozen=True, slots=True, kw_only=True)
class BadLine:
    """A line that was passed over, and why."""

    number: int
    why: str


Reading = Iterator[Line | BadLine]


class LineError(ValueError):
    """A line cannot be read; the text says why. It never leaves this package."""


def made_span(*, node: str, start: str | float, end: str | float, label: str, origin_s: float) -> Span:
    """A span of what a line says, times relative to ``origin_s``; ``LineError`` if that cannot be."""
    start_s, end_s = origin_s + seconds(start), origin_s + seconds(end)
    if end_s < start_s:
        raise LineError("it ends before it begins")
    if end_s - start_s > LONGEST_SPAN_S:
        raise LineError("it lasts longer than a day")
    if not node.strip():
        raise LineError("it does not say which node")
    return Span(node=node.strip(), start_s=start_s, end_s=end_s, label=meant_label(label))


def seconds(text: str | float) -> float:
    """A time in seconds; a comma may stand for the point.

    >>> seconds("1,5")
    1.5
    """
    try:
        value = float(text.strip().replace(",", ".")) if isinstance(text, str) else float(text)
    except ValueError as error:
        raise LineError(f"{str(text)[:40]!r} is not a number of seconds") from error
    if not math.isfinite(value) or abs(value) > LATEST_S:
        raise LineError(f"{str(text)[:40]!r} is no time that can be")
    return value


def meant_label(text: str) -> str | None:
    """The label that a file's text means; None for none of them. ``LineError`` if it can be no label."""
    if " ".join(text.split()).casefold() == NONE_OF_THEM:
        return None
    try:
        return label_name(text)
    except LabelError as error:
        raise LineError(str(error)) from error


def shown_label(label: str | None) -> str:
    """What files call it."""
    return NONE_OF_THEM if label is None else label
