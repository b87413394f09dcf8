"""One self-contained page: figures, pictures, and how they were made. No script, nothing from elsewhere."""

import math
from collections.abc import Iterator, Mapping
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from contract.manifest import is_target
from model_build.report import pictures
from model_build.report.figures import ClassifierFigures
from model_build.report.nothing import NOTHING_S

_TEMPLATE = "page.html.jinja"


def render(figures: ClassifierFigures, *, command: str, size_bytes: int) -> str:
    """The page; the same figures give the same text."""
    environment = Environment(
        loader=PackageLoader("model_build", "report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
    )
    environment.filters.update(percent=percent, rate=rate, seconds=seconds)
    alarms = figures.alarms
    return environment.get_template(_TEMPLATE).render(
        figures=figures,
        command=command,
        size_bytes=size_bytes,
        tiles=list(_tiles(figures)),
        pictures=_pictures(figures),
        points=[
            ("as it is", alarms.as_it_is),
            ("≤ 0.5 per hour", alarms.at_budget),
            ("≤ 10 % missed", alarms.at_miss_10),
            ("≤ 5 % missed", alarms.at_miss_5),
        ],
        rows=[_row(figures, label) for label in figures.labels],
        rest={name: _rest(quiet.posteriors) for name, quiet in figures.nothing.items()},
        nothing_s=NOTHING_S,
        start_median_s=figures.latency.quantile(0.5, start=True),
    )


def percent(part: float) -> str:
    """A part as people read it.

    >>> percent(0.9668), percent(1.0)
    ('96.7 %', '100 %')
    """
    return "100 %" if part == 1.0 else f"{100 * part:.1f} %"


def rate(per_hour: float) -> str:
    """A rate per hour; a dash if there is none.

    >>> rate(0.524), rate(23.43), rate(math.inf)
    ('0.52', '23', '–')
    """
    if not math.isfinite(per_hour):
        return "–"
    return f"{per_hour:.2f}" if per_hour < 10 else f"{per_hour:.0f}"


def seconds(value: float | None) -> str:
    """A time in seconds; a dash if there is none."""
    return "–" if value is None else f"{value:.2f} s"


def _tiles(figures: ClassifierFigures) -> Iterator[Mapping[str, str]]:
    low, high = figures.accuracy_interval
    now = figures.alarms.as_it_is
    yield _tile("clips right", percent(figures.accuracy), f"{percent(low)} to {percent(high)}")
    yield _tile("mean of the labels", percent(figures.balanced_accuracy), "each label counts alike")
    yield _tile(
        "missed inside other sound", percent(now.miss_rate), f"{now.missed} of {figures.alarms.clips} clips"
    )
    yield _tile(
        "false alarms per hour",
        rate(now.per_hour),
        f"{now.false_alarms} in {figures.alarms.hours:.2f} h; at most {rate(now.per_hour_upper)}",
    )
    yield _tile(
        "from word end to report",
        seconds(figures.latency_median_s),
        f"95 % within {seconds(figures.latency_p95_s)}",
    )
    yield _tile("calibration error", percent(figures.calibration.expected_error), "of clip posteriors")


def _tile(name: str, value: str, note: str) -> Mapping[str, str]:
    return {"name": name, "value": value, "note": note}


def _pictures(figures: ClassifierFigures) -> Mapping[str, Markup | None]:
    drawn = {
        "labels": pictures.share_bars(figures.per_label_share, "Part of each label's clips that is right"),
        "confusion": pictures.confusion_picture(figures.confusion, figures.labels),
        "alarms": pictures.alarm_curve(figures.alarms) if figures.alarms.hours else None,
        "det": pictures.det_curves(figures.separation),
        "reliability": pictures.reliability(figures.calibration),
        "latency": pictures.latency_histogram(figures.latency) if figures.latency.detected else None,
        "treated": pictures.share_bars(figures.treated, "Part that is right after each treatment"),
    }
    # Drawn here, with text escaped by the drawing library.
    return {name: None if svg is None else Markup(svg) for name, svg in drawn.items()}  # noqa: S704


def _row(figures: ClassifierFigures, label: str) -> Mapping[str, Any]:
    return {
        "label": label,
        "share": figures.per_label_share.get(label),
        "threshold": figures.thresholds.get(label),
        "alarms": sum(stream.false_alarms.get(label, 0) for stream in figures.streams),
        "separation": figures.separation.get(label),
    }


def _rest(posteriors: Mapping[str, float]) -> float:
    return sum(value for label, value in posteriors.items() if not is_target(label))
