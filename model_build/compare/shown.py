"""The table on a terminal."""

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from model_build.compare.table import COLUMNS, Row, cells

_LOG_WIDTH = 170
"""A log has no width of its own."""


def show(rows: Sequence[Row], notes: Sequence[str]) -> None:
    """Print table and notes on standard error."""
    console = Console(stderr=True)
    if not console.is_terminal:
        console = Console(stderr=True, width=_LOG_WIDTH)
    table = Table(caption="\n".join(notes), caption_justify="left")
    for name in COLUMNS:
        table.add_column(name, justify="left" if name == COLUMNS[0] else "right")
    for row in rows:
        for line in cells(row):
            table.add_row(*line)
    console.print(table)
