"""From a folder of recordings to a table of contenders."""

import dataclasses
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from model_build.compare.bench import Bench
from model_build.compare.contest import Contest, run
from model_build.compare.names import NEURAL, REFERENCE
from model_build.compare.page import page, plot
from model_build.compare.results import Store, digest_of, fingerprint, or_none
from model_build.compare.statistics import Interval
from model_build.compare.streams import hear_stream, stream_files
from model_build.compare.table import Row, markdown, rows_of
from model_build.console import write_whole
from model_build.dataset import Corpus, Progress, find_corpus, load_recordings
from model_build.export import export_frontend
from model_build.negatives import Negatives, load_negatives
from model_build.recipe import Recipe
from model_build.runtime import Frontend


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What is asked for."""

    recipe: Recipe
    """With the budget of the networks."""
    data: Path
    out: Path
    models: tuple[str, ...]
    seeds: int
    limit: int | None
    negatives: Path | None
    """Where the recipe's negatives are; none: in or beside ``data``."""
    stream: Path | None
    """Recordings without targets; none: the negatives that are held out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """What came of it."""

    rows: tuple[Row, ...]
    notes: tuple[str, ...]
    """What must be known to read the table."""
    broken: tuple[str, ...]
    """One sentence for each file that was skipped."""
    plain: dict[str, Any]
    """For JSON."""


def compare(order: Order, progress: Progress, frontend: Frontend | None = None) -> Compared:
    """Train and judge what ``out`` does not keep yet; write table, plot and page there.

    ``frontend`` is the recipe's, for whoever has it converted already.
    """
    recipe = order.recipe
    store = Store(order.out)
    corpus = find_corpus(recipe, order.data)
    recordings = load_recordings(recipe, corpus, progress, order.limit)
    places = [order.negatives] if order.negatives else [order.data, order.data.resolve().parent]
    negatives = load_negatives(recipe, places, progress)
    frontend = frontend or Frontend(export_frontend(recipe.frontend))
    stream = hear_stream(order.stream, negatives, frontend, progress)
    contest = Contest(
        recipe=recipe, models=order.models, seeds=order.seeds, data=_key(order, corpus, negatives)
    )
    bench = Bench(recipe, recordings, negatives, frontend, progress)
    frames = None if stream is None else stream.frames
    rows = rows_of(run(contest, bench, frames, store, progress))
    hours = None if stream is None else stream.hours
    notes = _notes(contest, bench, hours, rows)
    plain = _plain(contest, rows, notes, hours)
    _write(order.out, f"{recipe.name}: who recognises best", rows, notes, plain)
    broken = (*recordings.broken, *negatives.broken, *(stream.broken if stream else ()))
    return Compared(rows=tuple(rows), notes=notes, broken=broken, plain=plain)


def _key(order: Order, corpus: Corpus, negatives: Negatives) -> str:
    """Changes with everything that is learned from or judged."""
    heard = [negative.path for negative in negatives.held_out]
    if order.stream is not None:
        heard = stream_files(order.stream, negatives)
    return digest_of({
        "corpus": fingerprint(corpus),
        "limit": order.limit,
        "learned": [[negative.path.name, negative.pcm.size] for negative in negatives.learned],
        "stream": [[path.name, path.stat().st_size] for path in heard],
    })  # fmt: skip


def _notes(contest: Contest, bench: Bench, hours: float | None, rows: Sequence[Row]) -> tuple[str, ...]:
    recipe, names = contest.recipe, ", ".join(split.name for split in bench.rounds)
    notes = [
        f"Judged on {names}; {contest.seeds} seed(s). Every model had the same int8 features, labels and"
        " augmented copies; nothing was tuned on judged clips.",
        "Interval over trainings: Student's t over seeds × rounds. Interval over clips: Wilson. Lead:"
        " paired over clips, bootstrap. All 95 %.",
        "Accuracy of networks is that of float weights. The front end's cost is the same for all and is left"
        " out; processor time is of one thread, a decision every 80 ms.",
        "SVM, forest and tree were tuned by cross-validation over speakers or folds of the training clips:"
        " features, copies, then their own settings.",
    ]
    if set(contest.models) & set(NEURAL):
        notes.append(
            f"Networks: {recipe.training.epochs} epochs over {recipe.augment.copies} copies each, with the"
            " recipe's rate and decay, which were chosen for the LSTM."
        )
    if hours is None:
        notes.append("No stream without targets was given, so false alarms are not counted.")
    else:
        missed = ", ".join(f"{row.title} {row.missed_part:.0%}" for row in rows)
        notes.append(
            f"False alarms: {hours:.2f} h without targets, one threshold per model at which at most 10 % of"
            f" the targets are missed when they come out of quiet (missed: {missed})."
        )
    return tuple(notes)


def _plain(
    contest: Contest, rows: Sequence[Row], notes: Sequence[str], hours: float | None
) -> dict[str, Any]:
    return {
        "recipe": contest.recipe.name,
        "seeds": contest.seeds,
        "epochs": contest.recipe.training.epochs,
        "copies": contest.recipe.augment.copies,
        "stream_hours": hours,
        "reference": REFERENCE,
        "models": [
            {
                "model": row.model,
                "accuracy": row.runs.value,
                "over_trainings": _bounds(row.runs),
                "over_clips": _bounds(row.clips),
                "trainings": row.trainings,
                "clips": row.clip_count,
                "lead": None if row.lead is None else [row.lead.value, *_bounds(row.lead)],
                "missed_part": row.missed_part,
                "alarms_per_hour": row.alarms_per_hour,
                "forms": [dataclasses.asdict(form) for form in row.forms],
                "cost_ratio": row.cost_ratio,
                "fit_s": row.fit_s,
            }
            for row in rows
        ],
        "notes": list(notes),
    }


def _bounds(interval: Interval) -> list[float | None]:
    return [or_none(interval.low), or_none(interval.high)]


def _write(out: Path, title: str, rows: Sequence[Row], notes: Sequence[str], plain: dict[str, Any]) -> None:
    picture = plot(rows, title)
    said = "\n".join(f"- {note}" for note in notes)
    files = {
        "compare.json": json.dumps(plain, indent=1, allow_nan=False) + "\n",
        "compare.md": f"# {title}\n\n{markdown(rows)}\n{said}\n",
        "plot.svg": picture,
        "report.html": page(rows, title, notes, picture),
    }
    for name, text in files.items():
        write_whole(out / name, text.encode())
