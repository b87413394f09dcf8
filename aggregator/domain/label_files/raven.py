"""Raven's selection tables: a line of column names, then a selection a line, with tabs between."""

from collections.abc import Iterable
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

BEGIN: Final = "Begin Time (s)"
END: Final = "End Time (s)"
LABELS: Final = ("Label", "Annotation", "Species", "Class", "Tags", "Tag", "Common Name")
"""The columns that may hold the label; the first that is there does."""

NODE: Final = "Node"
LOW_HZ: Final = 30
HIGH_HZ: Final = 8000
_COLUMNS: Final = (
    "Selection", "View", "Channel", BEGIN, END, "Low Freq (Hz)", "High Freq (Hz)", "Label", NODE, "Reviewer",
)  # fmt: skip


def read(text: str, *, node: str, origin_s: float) -> Reading:
    """The spans of a table whose times count from ``origin_s``; ``node`` where no column says it.

    ``LabelFileError`` if it is no selection table.
    """
    lines = text.splitlines()
    columns = {name.strip(): place for place, name in enumerate(lines[0].split("\t"))} if lines else {}
    label = next((name for name in LABELS if name in columns), None)
    if BEGIN not in columns or END not in columns:
        raise LabelFileError(f"this is no selection table: it lacks the columns “{BEGIN}” and “{END}”")
    if label is None:
        raise LabelFileError(f"no column holds labels: name one of {', '.join(LABELS)}")
    for number, line in enumerate(lines[1:], 2):
        if not line.strip():
            continue
        cells = line.split("\t")
        try:
            if len(cells) < len(columns):
                raise LineError(f"it has {len(cells)} columns in place of {len(columns)}")
            span = made_span(
                node=cells[columns[NODE]] if NODE in columns else node,
                start=cells[columns[BEGIN]],
                end=cells[columns[END]],
                label=cells[columns[label]],
                origin_s=origin_s,
            )
        except LineError as error:
            yield BadLine(number=number, why=str(error))
        else:
            yield Line(number=number, span=span)


def write(spans: Iterable[Span], *, origin_s: float) -> str:
    """A selection table whose times count from ``origin_s``."""
    rows = [_COLUMNS]
    for number, span in enumerate(spans, 1):
        times = (f"{span.start_s - origin_s:.6f}", f"{span.end_s - origin_s:.6f}")
        words = (shown_label(span.label), span.node, span.reviewer)
        rows.append((str(number), "Spectrogram 1", "1", *times, str(LOW_HZ), str(HIGH_HZ), *words))
    return "".join("\t".join(row) + "\n" for row in rows)
