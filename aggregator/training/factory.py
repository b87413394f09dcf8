"""The commands of the factory, each run to its end or to a sentence that says why not."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from aggregator.errors import TrainingError
from aggregator.training import child
from aggregator.training.child import Bounds, Outcome


class StoppedError(Exception):
    """Somebody wanted the run to end before it was done."""


class Factory:
    """Runs ``model-build retrain`` and ``judge``; every result is whole or not there."""

    def __init__(
        self,
        words: Sequence[str],
        bounds: Bounds,
        *,
        line: Callable[[Any], None],
        end_wanted: Callable[[], bool],
        started: Callable[[int, int | None], None],
    ) -> None:
        self._words = list(words)
        self._bounds = bounds
        self._line = line
        self._end_wanted = end_wanted
        self._started = started

    def retrain(self, *, base: Path, snapshot: Path, work: Path, epochs: int, out: Path) -> None:
        """Train a candidate; ``out`` holds its bundle then. Goes on from what ``work`` holds."""
        more = ["--epochs", str(epochs)] if epochs else []
        self._run(
            ["retrain", "--base", str(base), "--windows", str(snapshot), "--work", str(work), *more,
             "--progress-json"],
            out,
        )  # fmt: skip

    def judge(self, *, bundle: Path, base: Path, snapshot: Path, out: Path) -> None:
        """Measure a bundle; ``out`` holds its figures then."""
        self._run(
            ["judge", "--bundle", str(bundle), "--base", str(base), "--windows", str(snapshot),
             "--progress-json"],
            out,
        )  # fmt: skip

    def _run(self, words: Sequence[str], out: Path) -> None:
        draft = out.with_name(f"draft-{out.name}")
        draft.unlink(missing_ok=True)
        outcome = child.run(
            [*self._words, *words, "--out", str(draft)],
            self._bounds,
            line=self._line,
            end_wanted=self._end_wanted,
            started=self._started,
        )
        # What was done in the moment in which it was asked to end is done.
        if outcome.status != 0:
            if outcome.wanted:
                raise StoppedError
            raise TrainingError(reason(words[0], outcome, self._bounds))
        if not draft.is_file():
            raise TrainingError(f"model-build {words[0]} said that it was done, but wrote no {out.name}")
        draft.replace(out)


def reason(command: str, outcome: Outcome, bounds: Bounds) -> str:
    """Why a run failed, in one sentence, and the end of what it said."""
    if outcome.timed_out:
        words = f"took longer than {bounds.seconds / 3600:g} h ([training] hours) and was ended"
    elif outcome.out_of_memory:
        words = f"needed more than {bounds.memory_bytes // 1_000_000} MB ([training] memory_mb)"
    elif outcome.status < 0:
        words = f"was killed by signal {-outcome.status}"
    elif "No module named" in outcome.tail:
        words = "lacks the libraries that it trains with: pip install 'soundpost[train]'"
    else:
        words = f"failed with exit status {outcome.status}"
    return f"model-build {command} {words}" + (f"\n{outcome.tail}" if outcome.tail else "")
