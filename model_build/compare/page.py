"""The comparison as people read it: a plot, a Markdown table, and a page that holds both."""

import html
import io
from collections.abc import Sequence
from typing import Any

from model_build.compare.names import REFERENCE
from model_build.compare.table import COLUMNS, Row, cells

_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 76rem; padding: 0 1rem; }
table { border-collapse: collapse; } td, th { padding: .3rem .6rem; text-align: right; }
td:first-child, th:first-child { text-align: left; } tr { border-bottom: 1px solid #ccc; }
svg { max-width: 100%; height: auto; }
"""


def plot(rows: Sequence[Row], title: str) -> str:
    """An SVG: accuracy with its interval beside false alarms, size and processor time, one line a model."""
    import matplotlib

    matplotlib.use("agg")
    from matplotlib import pyplot

    # Without these, each file would differ from the last by its date and its made-up names.
    with matplotlib.rc_context({"svg.hashsalt": "soundpost", "font.size": 9}):
        size = (13, 1.6 + 0.4 * len(rows))
        figure, axes = pyplot.subplots(1, 4, figsize=size, sharey=True, layout="constrained")
        places = range(len(rows))
        colours = ["#c2410c" if row.model == REFERENCE else "#475569" for row in rows]
        _accuracy(axes[0], rows, colours)
        alarms = [row.alarms_per_hour for row in rows]
        _bars(axes[1], alarms, colours, "false alarms per hour\n(10 % of targets missed)", logarithmic=False)
        sizes = [row.forms[0].size_bytes / 1000 if row.forms else None for row in rows]
        _bars(axes[2], sizes, colours, "size, kB", logarithmic=True)
        costs = [row.forms[0].stream_ms if row.forms else None for row in rows]
        _bars(axes[3], costs, colours, "processor ms per second of sound", logarithmic=True)
        axes[0].set_yticks(list(places), [row.title for row in rows])
        axes[0].invert_yaxis()
        figure.suptitle(title)
        target = io.StringIO()
        figure.savefig(target, format="svg", metadata={"Date": None})
        pyplot.close(figure)
    return target.getvalue()


def _accuracy(axis: Any, rows: Sequence[Row], colours: Sequence[str]) -> None:
    for place, (row, colour) in enumerate(zip(rows, colours, strict=True)):
        shown = row.clips if row.trainings < 2 else row.runs
        low, high = 100 * (shown.value - shown.low), 100 * (shown.high - shown.value)
        axis.errorbar(100 * shown.value, place, xerr=[[low], [high]], fmt="o", color=colour, capsize=3)
    axis.set_xlabel("accuracy, %, 95 % interval")
    axis.grid(axis="x", alpha=0.3)


def _bars(
    axis: Any, values: Sequence[float | None], colours: Sequence[str], name: str, *, logarithmic: bool
) -> None:
    axis.barh(range(len(values)), [value or 0.0 for value in values], color=colours)
    if logarithmic and any(values):
        axis.set_xscale("log")
    axis.margins(x=0.35)
    for place, value in enumerate(values):
        # The left edge of the picture where there is no bar to write beside.
        where, units = (value, "data") if value else (0.02, "axes fraction")
        text = "–" if value is None else f" {value:.3g}"
        axis.annotate(text, (where, place), xycoords=(units, "data"), va="center")
    axis.set_xlabel(name)


def page(rows: Sequence[Row], title: str, notes: Sequence[str], picture: str) -> str:
    """One HTML file without anything beside it."""
    head = "".join(f"<th>{html.escape(name)}</th>" for name in COLUMNS)
    body = "".join(
        f"<tr>{''.join(f'<td>{html.escape(cell)}</td>' for cell in line)}</tr>"
        for row in rows
        for line in cells(row)
    )
    said = "".join(f"<li>{html.escape(note)}</li>" for note in notes)
    drawn = picture[picture.index("<svg") :]
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{html.escape(title)}</title>'
        f"<style>{_STYLE}</style><h1>{html.escape(title)}</h1>{drawn}"
        f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table><ul>{said}</ul></html>\n"
    )
