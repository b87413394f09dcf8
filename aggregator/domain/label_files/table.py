"""Tables of comma-separated values, with times in seconds since 1970."""

import csv
import io
from collections.abc import Iterable, Sequence
from typing import Final

from aggregator.domain.label_files.spans import (
    BadLine,
    Line,
    LineError,
    Reading,
    Span,
    made_span,
    shown_label,
)
from aggregator.errors import LabelFileError

COLUMNS: Final = ("node", "start_s", "end_s", "label", "reviewer", "window_id")
NEEDED: Final = ("start_s", "end_s", "label")
FORMULA_SIGNS: Final = ("=", "+", "-", "@", "\t", "\r")


def read(text: str, *, node: str, origin_s: float) -> Reading:
    """The spans of a table; ``node`` where no column says it. ``LabelFileError`` if columns are missing."""
    lines = text.splitlines()
    # Line by line: a forgotten quotation mark shall not swallow what follows.
    columns = _columns(lines[0]) if lines else {}
    missing = [name for name in NEEDED if name not in columns]
    if missing:
        raise LabelFileError(
            f"the first line must name the columns {', '.join(NEEDED)}; it lacks {missing[0]}"
        )
    for number, line in enumerate(lines[1:], 2):
        if not line.strip():
            continue
        try:
            cells = _cells(line)
            if len(cells) != len(columns):
                raise LineError(f"it has {len(cells)} cells in place of {len(columns)}")
            span = made_span(
                node=_armed(cells[columns["node"]]) if "node" in columns else node,
                start=cells[columns["start_s"]],
                end=cells[columns["end_s"]],
                label=_armed(cells[columns["label"]]),
                origin_s=origin_s,
            )
        except LineError as error:
            yield BadLine(number=number, why=str(error))
        else:
            yield Line(number=number, span=span)


def write(spans: Iterable[Span], *, origin_s: float) -> str:
    """A table whose times count from ``origin_s``; zero for seconds since 1970."""
    target = io.StringIO()
    rows = csv.writer(target, lineterminator="\n")
    rows.writerow(COLUMNS)
    for span in spans:
        words = (_disarmed(span.node), span.start_s - origin_s, span.end_s - origin_s)
        rows.writerow(
            (*words, _disarmed(shown_label(span.label)), _disarmed(span.reviewer), span.window_id or "")
        )
    return target.getvalue()


def _columns(line: str) -> dict[str, int]:
    try:
        return {name.strip(): place for place, name in enumerate(_cells(line))}
    except LineError as error:
        raise LabelFileError(f"the first line names no columns: {error}") from error


def _cells(line: str) -> Sequence[str]:
    try:
        return next(csv.reader([line], strict=True), [])
    except csv.Error as error:
        raise LineError(f"it cannot be read: {error}") from error


def _disarmed(word: str) -> str:
    """``word`` so that a spreadsheet does not take it for a formula.

    >>> _disarmed("=owl"), _armed("'=owl"), _armed(_disarmed("'=owl"))
    ("'=owl", '=owl', "'=owl")
    """
    return f"'{word}" if word.lstrip("'").startswith(FORMULA_SIGNS) else word


def _armed(word: str) -> str:
    return word[1:] if word.startswith("'") and word.lstrip("'").startswith(FORMULA_SIGNS) else word
