"""Audacity's label tracks: start, end and text, with tabs between, in seconds from the recording's start.

They say nothing of nodes: one file is of one node.
"""

from collections.abc import Iterable

from aggregator.domain.label_files.spans import (
    BadLine,
    Line,
    LineError,
    Reading,
    Span,
    made_span,
    shown_label,
)


def read(text: str, *, node: str, origin_s: float) -> Reading:
    """The spans of a label track that begins at ``origin_s``."""
    for number, line in enumerate(text.splitlines(), 1):
        # A line that begins with a backslash gives the frequencies of the label before it.
        if not line.strip() or line.startswith("\\"):
            continue
        cells = line.split("\t")
        try:
            if len(cells) < 3:
                raise LineError("it needs start, end and label, with tabs between them")
            span = made_span(
                node=node, start=cells[0], end=cells[1], label=" ".join(cells[2:]), origin_s=origin_s
            )
        except LineError as error:
            yield BadLine(number=number, why=str(error))
        else:
            yield Line(number=number, span=span)


def write(spans: Iterable[Span], *, origin_s: float) -> str:
    """A label track whose zero is ``origin_s``.

    >>> write([Span(node="attic", start_s=12.0, end_s=13.5, label="owl")], origin_s=10.0)
    '2.000000\\t3.500000\\towl\\n'
    """
    return "".join(
        f"{span.start_s - origin_s:.6f}\t{span.end_s - origin_s:.6f}\t{shown_label(span.label)}\n"
        for span in spans
    )
