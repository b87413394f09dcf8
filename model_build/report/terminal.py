"""The report in a few lines on the terminal."""

from collections.abc import Iterator, Sequence

from model_build.console import Console
from model_build.report.alarms import OperatingPoint
from model_build.report.figures import ClassifierFigures
from model_build.report.page import percent, rate, seconds


def show(figures: ClassifierFigures, console: Console) -> None:
    """Print what matters most; the rest is in the page and in the JSON."""
    low, high = figures.accuracy_interval
    title = f"{percent(figures.accuracy)} of {figures.clips} clips right ({percent(low)} to {percent(high)})"
    columns = ("label", "clips", "right", "interval", "taken for", "threshold", "alarms")
    console.table(title, columns, _rows(figures))
    for line in _lines(figures):
        console.say(line)


def _rows(figures: ClassifierFigures) -> Iterator[Sequence[str]]:
    for index, label in enumerate(figures.labels):
        one, threshold = figures.per_label_share.get(label), figures.thresholds.get(label)
        alarms = sum(stream.false_alarms.get(label, 0) for stream in figures.streams)
        yield (
            label,
            str(one.clips if one else 0),
            percent(one.part) if one else "",
            f"{100 * one.low:.0f} – {100 * one.high:.0f} %" if one else "",
            _confused(figures, index),
            "" if threshold is None else f"{threshold:.2f}",
            str(alarms) if figures.streams and threshold is not None else "",
        )


def _confused(figures: ClassifierFigures, index: int) -> str:
    """The label that the clips of another are most often taken for."""
    counts = list(figures.confusion[index])
    counts[index] = 0
    return figures.labels[counts.index(max(counts))] if any(counts) else ""


def _lines(figures: ClassifierFigures) -> Iterator[str]:
    alarms = figures.alarms
    if alarms.hours:
        yield f"false alarms and misses on {alarms.hours:.2f} h and {alarms.clips} clips inside other sound:"
        yield f"  as it is:           {_point(alarms.as_it_is)}"
        yield f"  at ≤ 0.5 per hour:  {_point(alarms.at_budget)}"
        yield f"  at ≤ 10 % missed:   {_point(alarms.at_miss_10)}"
    else:
        now = alarms.as_it_is
        yield f"{percent(now.miss_rate)} of {alarms.clips} clips missed inside other sound"
        yield "false alarms: not measured, see --stream"
    worst = min(figures.treated.items(), key=lambda item: item[1].part)
    yield f"worst treatment: {worst[0]}, {percent(worst[1].part)} right"
    heard = sum(quiet.detections for quiet in figures.nothing.values())
    yield f"detections in silence and steady noise: {heard}"
    median, p95 = seconds(figures.latency_median_s), seconds(figures.latency_p95_s)
    yield f"word end to report: median {median}, 95 % within {p95}"
    yield f"calibration error: {percent(figures.calibration.expected_error)}"


def _point(point: OperatingPoint | None) -> str:
    if point is None:
        return "not reached"
    hour, most = rate(point.per_hour), rate(point.per_hour_upper)
    return f"{hour} per hour (95 %: at most {most}), {percent(point.miss_rate)} missed"
