"""The pictures of a classifier's report, each an ``<svg>`` element."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle
from matplotlib.ticker import MaxNLocator, PercentFormatter
from scipy.stats import norm

from contract.manifest import is_target
from model_build.report.alarms import BUDGET_PER_H, Alarms
from model_build.report.calibration import Calibration
from model_build.report.clip_scores import Separation, Share
from model_build.report.drawing import ACCENT, GRID, LINES, SECOND, TEXT, draw
from model_build.report.latency import Latency

_DET_TICKS = (0.002, 0.01, 0.05, 0.2, 0.5)
_DET_RANGE = (0.001, 0.6)


def share_bars(shares: Mapping[str, Share], title: str) -> str:
    """A bar for each share, with its interval and its figure."""

    def paint(axes: Axes) -> None:
        places = np.arange(len(shares))[::-1]
        parts = [one.part for one in shares.values()]
        axes.barh(places, parts, color=ACCENT, height=0.62, alpha=0.75)
        for place, one in zip(places, shares.values(), strict=True):
            axes.plot([one.low, one.high], [place, place], color=TEXT, linewidth=1.2)
            axes.text(1.02, place, f"{one.part:.1%}", va="center", clip_on=False)
        axes.set_yticks(places, list(shares))
        axes.set_xlim(0, 1)
        axes.xaxis.set_major_formatter(PercentFormatter(1.0))
        axes.grid(visible=False, axis="y")

    return draw(paint, title=title, height=0.9 + 0.3 * len(shares))


def confusion_picture(counts: Sequence[Sequence[int]], labels: Sequence[str]) -> str:
    """What clips are (rows) and what they were taken for (columns); shades are parts of the row."""

    def paint(axes: Axes) -> None:
        for row, line in enumerate(counts):
            for column, count in enumerate(line):
                part = count / max(1, sum(line))
                colour = ACCENT if row == column else SECOND
                axes.add_patch(_cell(row, column, colour, alpha=0.08 + 0.8 * part if count else 0.0))
                if count:
                    axes.text(column, row, str(count), ha="center", va="center", fontsize=9)
        places = range(len(labels))
        axes.set_xticks(places, labels, rotation=45, ha="right", rotation_mode="anchor")
        axes.set_yticks(places, labels)
        axes.set_xlim(-0.5, len(labels) - 0.5)
        axes.set_ylim(len(labels) - 0.5, -0.5)
        axes.set_xlabel("taken for")
        axes.set_ylabel("is")
        axes.grid(visible=False)

    return draw(paint, title="Confusion of labels", height=1.3 + 0.32 * len(labels))


def _cell(row: int, column: int, colour: str, alpha: float) -> Rectangle:
    return Rectangle((column - 0.48, row - 0.48), 0.96, 0.96, facecolor=colour, alpha=alpha, linewidth=0)


def alarm_curve(alarms: Alarms) -> str:
    """False alarms per hour against misses, with the bundle as it is."""

    def paint(axes: Axes) -> None:
        # Below some threshold a detection never ends, and their number falls again: that says nothing.
        busiest = max(range(len(alarms.curve)), key=lambda place: alarms.curve[place].per_hour)
        curve = alarms.curve[busiest:]
        per_hour = [point.per_hour for point in curve]
        axes.plot(per_hour, [point.miss_rate for point in curve], color=ACCENT, linewidth=1.8)
        now = alarms.as_it_is
        axes.plot(
            [now.per_hour, now.per_hour_upper],
            [now.miss_rate] * 2,
            color=SECOND,
            linewidth=1.2,
            linestyle=":",
        )
        axes.plot([now.per_hour] * 2, [now.miss_low, now.miss_high], color=SECOND, linewidth=1.2)
        axes.plot([now.per_hour], [now.miss_rate], "o", color=SECOND, label="thresholds of the bundle")
        axes.axvline(
            BUDGET_PER_H, color=TEXT, linewidth=0.8, linestyle="--", label=f"{BUDGET_PER_H:g} per hour"
        )
        axes.set_xscale("symlog", linthresh=1.0)
        axes.set_xlim(0, max(10.0, 1.3 * max(per_hour)))
        axes.set_ylim(0, 1)
        axes.xaxis.set_major_formatter("{x:g}")
        axes.yaxis.set_major_formatter(PercentFormatter(1.0))
        axes.set_xlabel(f"false alarms per hour, on {alarms.hours:.2f} h")
        axes.set_ylabel(f"missed, of {alarms.clips} clips")
        axes.legend(loc="upper right")

    return draw(paint, title="False alarms per hour against misses")


def det_curves(separations: Mapping[str, Separation]) -> str:
    """DET: each label's misses against false positives among other clips, on normal deviates."""

    def paint(axes: Axes) -> None:
        low, high = norm.ppf(_DET_RANGE)
        shown = [(label, one) for label, one in separations.items() if is_target(label)] or list(
            separations.items()
        )
        for place, (label, one) in enumerate(shown):
            x = norm.ppf(np.clip(one.false_positive, _DET_RANGE[0], 0.999))
            y = norm.ppf(np.clip(one.miss, _DET_RANGE[0], 0.999))
            style = "-" if place < len(LINES) else "--"
            axes.plot(x, y, style, color=LINES[place % len(LINES)], linewidth=1.4, label=label)
        ticks, names = norm.ppf(_DET_TICKS), [f"{tick:.1%}".replace(".0", "") for tick in _DET_TICKS]
        axes.set_xticks(ticks, names)
        axes.set_yticks(ticks, names)
        axes.set_xlim(low, high)
        axes.set_ylim(low, high)
        axes.set_xlabel("other clips taken for it")
        axes.set_ylabel("its clips missed")
        axes.legend(loc="upper right", fontsize=8, ncols=2)

    return draw(paint, title="Detection error trade-off of each label")


def reliability(calibration: Calibration) -> str:
    """Part that is right against posterior, with how many clips each bar rests on."""

    def paint(axes: Axes) -> None:
        bins = [one for one in calibration.bins if one.clips]
        width = bins[0].to - bins[0].above
        places = [(one.above + one.to) / 2 for one in bins]
        most = max(one.clips for one in bins)
        axes.bar(places, [one.right for one in bins], width=0.92 * width, color=ACCENT, alpha=0.75)
        axes.plot([0, 1], [0, 1], color=TEXT, linewidth=0.9, linestyle="--", label="well calibrated")
        axes.plot(
            [one.posterior for one in bins], [one.right for one in bins], "o", color=SECOND, markersize=4
        )
        for place, one in zip(places, bins, strict=True):
            axes.text(place, 0.015, str(one.clips), ha="center", fontsize=7, rotation=90 if most > 99 else 0)
        axes.set_xlim(0, 1)
        axes.set_ylim(0, 1.02)
        axes.set_xlabel("posterior of the clip's label (numbers: clips)")
        axes.set_ylabel("part that is right")
        axes.legend(loc="upper left")

    return draw(paint, title="Reliability diagram")


def latency_histogram(latency: Latency) -> str:
    """Seconds from the word's end to the report."""

    def paint(axes: Axes) -> None:
        values = np.array(latency.from_end_s)
        first, last = np.floor(values.min() * 12.5) / 12.5, np.ceil(values.max() * 12.5) / 12.5
        bins = min(60, max(1, round((last - first) * 12.5)))
        axes.hist(values, bins=bins, range=(first, max(last, first + 0.08)), color=ACCENT, alpha=0.75)
        for part, name in ((0.5, "median"), (0.95, "95 %")):
            at_s = float(np.quantile(values, part))
            axes.axvline(at_s, color=SECOND, linewidth=1.2, linestyle="-" if part == 0.5 else "--")
            axes.text(at_s, 1.0, f" {name}", transform=axes.get_xaxis_transform(), va="top", fontsize=9)
        axes.set_xlabel("seconds from the end of the word to the report")
        axes.set_ylabel("clips")
        axes.yaxis.set_major_locator(MaxNLocator(integer=True))
        axes.grid(visible=False, axis="x")
        axes.axvline(0.0, color=GRID, linewidth=1.0)

    return draw(paint, title="Latency of detections", height=2.8)
