"""Matplotlib as a maker of pictures for a page: SVG in the page's own colours, the same bytes every time."""

import io
import re
from collections.abc import Callable
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

TEXT, GRID, ACCENT, SECOND = "#010203", "#040506", "#070809", "#0a0b0c"
"""Stand for the colours of the page, which has a light and a dark set of them."""
_ON_THE_PAGE = {TEXT: "currentColor", GRID: "var(--line)", ACCENT: "var(--accent)", SECOND: "var(--second)"}

LINES = (
    "#3b82c4", "#d9822b", "#3f9c5a", "#c94f4f", "#8a6fc2",
    "#9a6a55", "#cf6fae", "#808a94", "#a3a335", "#2fa3ad",
)  # fmt: skip
"""For lines that differ only in colour; each can be seen on white and on black."""

_STYLE = {
    "svg.fonttype": "none",
    "font.family": "sans-serif",
    "font.size": 10.0,
    "text.parse_math": False,
    "axes.unicode_minus": True,
    "text.color": TEXT,
    "axes.labelcolor": TEXT,
    "axes.edgecolor": GRID,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "grid.color": GRID,
    "grid.linewidth": 0.7,
    "xtick.color": GRID,
    "ytick.color": GRID,
    "xtick.labelcolor": TEXT,
    "ytick.labelcolor": TEXT,
    "legend.frameon": False,
    "figure.dpi": 72,
}


def draw(paint: Callable[[Axes], None], *, title: str, height: float = 3.4) -> str:
    """An ``<svg>`` element that fills its column; ``title`` is what is read out instead of it."""
    style: Any = {**_STYLE, "svg.hashsalt": title}
    with mpl.rc_context(style):
        figure = Figure(figsize=(5.0, height), layout="constrained")
        axes = figure.add_subplot()
        paint(axes)
        target = io.StringIO()
        canvas: Any = FigureCanvasSVG(figure)
        canvas.print_svg(target, metadata={"Date": None})
    return _for_the_page(target.getvalue(), title)


def _for_the_page(svg: str, title: str) -> str:
    inner = svg[svg.index("<svg") :]
    inner = re.sub(r"<metadata>.*?</metadata>", "", inner, flags=re.DOTALL)
    # Only what is referred to needs a name; the others would stand in the page once for each picture.
    inner = re.sub(r' id="(?!m|p|h)[a-zA-Z0-9_.]*"| id="(patch|page|hatch)_\d+"', "", inner)
    inner = re.sub(r'<g id="(matplotlib|patch)[^"]*"', "<g", inner)
    inner = re.sub(r'(<svg[^>]*?) width="[^"]*"', r"\1", inner, count=1)
    inner = re.sub(r'(<svg[^>]*?) height="[^"]*"', r"\1", inner, count=1)
    inner = inner.replace("<svg", f'<svg role="img" aria-label="{_attribute(title)}"', 1)
    for colour, name in _ON_THE_PAGE.items():
        inner = inner.replace(colour, name)
    # The figure's own background; what lies behind is the page.
    return inner.replace("fill: #ffffff", "fill: none")


def _attribute(text: str) -> str:
    return text.replace("&", "&amp;").replace('"', "&quot;").replace("<", "&lt;")
