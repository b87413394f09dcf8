"""Results of one model summed up, and the table of all."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from model_build.compare.contender import Form
from model_build.compare.names import REFERENCE, TITLES
from model_build.compare.results import Result
from model_build.compare.statistics import Interval, over_clips, over_runs, paired

NOTHING: Final = "–"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One model over all its seeds and rounds."""

    model: str
    title: str
    runs: Interval
    """Mean accuracy over trainings, Student's t"""
    clips: Interval
    """The same over clips, Wilson"""
    trainings: int
    clip_count: int
    lead: Interval | None
    """Our accuracy less this model's, paired over clips; none for ours and where ours did not take part"""
    missed_part: float
    alarms_per_hour: float | None
    forms: tuple[Form, ...]
    """Medians over the trainings"""
    cost_ratio: float | None
    """Processor time per second of sound in units of our first form's"""
    fit_s: float


def rows_of(results: Sequence[Result]) -> list[Row]:
    """A row for each model, in the order of ``TITLES``."""
    groups = {model: [r for r in results if r.model == model] for model in TITLES}
    ours = groups[REFERENCE]
    reference = _rightness(ours) if ours else None
    first = _forms(ours)[:1] if ours else ()
    return [_row(model, group, reference, first) for model, group in groups.items() if group]


def _row(
    model: str, group: Sequence[Result], reference: NDArray[np.float64] | None, first: Sequence[Form]
) -> Row:
    right = _rightness(group)
    heard = [r.alarms.per_hour for r in group if r.alarms.per_hour is not None]
    forms = _forms(group)
    return Row(
        model=model,
        title=TITLES[model],
        runs=over_runs(np.array([r.accuracy for r in group])),
        clips=over_clips(float(right.mean()), right.size),
        trainings=len(group),
        clip_count=right.size,
        lead=None if reference is None or model == REFERENCE else paired(reference, right),
        missed_part=float(np.mean([r.alarms.missed_part for r in group])),
        alarms_per_hour=float(np.mean(heard)) if heard else None,
        forms=forms,
        cost_ratio=forms[0].stream_ms / first[0].stream_ms if forms and first else None,
        fit_s=float(np.median([r.fit_s for r in group])),
    )


def _rightness(group: Sequence[Result]) -> NDArray[np.float64]:
    """(clips,) how often each clip was named rightly over the seeds, the rounds one after the other."""
    parts = []
    for name in sorted({r.round for r in group}):
        seeds = [r for r in group if r.round == name]
        parts.append(np.mean([np.array(r.said) == np.array(r.truth) for r in seeds], axis=0))
    return np.concatenate(parts)


def _forms(group: Sequence[Result]) -> tuple[Form, ...]:
    names = list(dict.fromkeys(form.name for r in group for form in r.forms))
    return tuple(_median([f for r in group for f in r.forms if f.name == name]) for name in names)


def _median(forms: Sequence[Form]) -> Form:
    return Form(
        name=forms[0].name,
        size_bytes=int(np.median([form.size_bytes for form in forms])),
        stream_ms=float(np.median([form.stream_ms for form in forms])),
        decision_ms=float(np.median([form.decision_ms for form in forms])),
    )


COLUMNS: Final = (
    "model", "accuracy, %", "over trainings", "over clips", "LSTM leads by, points",
    "false alarms/h", "stored as", "kB", "ms/s", "× LSTM", "ms/decision",
)  # fmt: skip


def cells(row: Row) -> list[list[str]]:
    """A line for each form of ``row``; what is the same for all forms stands in the first."""
    start = [
        row.title,
        f"{100 * row.runs.value:.1f}",
        _range(row.runs),
        _range(row.clips),
        _points(row.lead),
        NOTHING if row.alarms_per_hour is None else f"{row.alarms_per_hour:.1f}",
    ]
    lines = []
    for index, form in enumerate(row.forms):
        ratio = (
            f"{row.cost_ratio * form.stream_ms / row.forms[0].stream_ms:.2f}" if row.cost_ratio else NOTHING
        )
        price = [form.name, f"{form.size_bytes / 1000:.0f}", f"{form.stream_ms:.2f}", ratio]
        lines.append([*(start if not index else [""] * len(start)), *price, f"{form.decision_ms:.2f}"])
    return lines or [[*start, "cannot be converted", *[NOTHING] * 4]]


def markdown(rows: Sequence[Row]) -> str:
    """The table as Markdown."""
    lines = [list(COLUMNS), ["---"] * len(COLUMNS), *(line for row in rows for line in cells(row))]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def _range(interval: Interval) -> str:
    if np.isnan(interval.low):
        return NOTHING
    return f"{100 * interval.low:.1f} to {100 * interval.high:.1f}"


def _points(lead: Interval | None) -> str:
    if lead is None:
        return NOTHING
    return f"{100 * lead.value:+.1f} ({100 * lead.low:+.1f} to {100 * lead.high:+.1f})"
