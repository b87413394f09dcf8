"""What a person sees while the factory works; standard output is left to results."""

import os
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

from rich.console import Console as RichConsole
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn
from rich.table import Table

from model_build.checks.finding import Finding
from model_build.checks.table import findings_table
from model_build.errors import ModelBuildError
from model_build.evaluate import Score

LINE_EVERY_S = 20.0


class Console:
    """Progress bars on standard error, one for each thing that is done."""

    def __init__(self) -> None:
        self._console = RichConsole(stderr=True)
        self._bars = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(elapsed_when_finished=True),
            console=self._console,
        )
        self._task: TaskID | None = None
        self._printed_s = time.monotonic()

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bars.stop()

    def progress(self, what: str, done: int, total: int) -> None:
        """Show that ``done`` of ``total`` of ``what`` is done."""
        if not self._console.is_terminal:
            self._print_sometimes(what, done, total)
            return
        if self._task is None:
            self._task = self._bars.add_task(what, total=total)
        self._bars.update(self._task, description=what, completed=done, total=total)
        if done >= total:
            self._task = None

    def _print_sometimes(self, what: str, done: int, total: int) -> None:
        """In a log bars are no use: a line now and then, and one at each end."""
        if done >= total or time.monotonic() - self._printed_s > LINE_EVERY_S:
            self._printed_s = time.monotonic()
            self.say(f"{what} {done}/{total}")

    def warn(self, text: str) -> None:
        """Say something that should be looked at."""
        self._console.print(text, style="yellow", markup=False)

    def say(self, text: str) -> None:
        """Say something."""
        self._console.print(text, markup=False)

    def show(self, table: Table) -> None:
        """Show a table."""
        self._console.print(table)

    def table(self, title: str, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
        """Show ``rows``; the first column is text, the others are figures."""
        table = Table(title=title)
        for index, column in enumerate(columns):
            table.add_column(column, justify="right" if index else "left")
        for row in rows:
            table.add_row(*(escape(cell) for cell in row))
        self._console.print(table)

    def findings(self, findings: Sequence[Finding]) -> None:
        """Show what is odd about recordings; nothing if nothing is."""
        if findings:
            self._console.print(findings_table(findings))

    def score(self, result: Score, labels: Sequence[str]) -> None:
        """Show how well each label is recognised."""
        table = Table(title=f"{result.accuracy:.1%} of {result.clips} clips right")
        for column in ("label", "clips", "right", "most often taken for"):
            table.add_column(column)
        for index, label in enumerate(labels):
            row = result.confusion[index].copy()
            clips, row[index] = int(row.sum()), 0
            other = labels[int(row.argmax())] if row.any() else ""
            table.add_row(label, str(clips), f"{result.per_label.get(label, 0.0):.1%}", other)
        self._console.print(table)


@contextmanager
def without_chatter() -> Iterator[None]:
    """Keep what native libraries write to standard error while they are loaded from people's eyes."""
    kept = os.dup(2)
    try:
        with Path(os.devnull).open("wb") as nowhere:
            os.dup2(nowhere.fileno(), 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)


def require_folder(path: Path) -> None:
    """Say before long work, rather than after it, that ``path`` cannot be written."""
    if not path.resolve().parent.is_dir():
        raise ModelBuildError(f"{path}: there is no folder to write it to")


def write_whole(path: Path, content: bytes) -> None:
    """Write a file so that a power cut leaves the old one or the new one, never half of each."""
    partial = path.with_name(f".{path.name}.partial")
    try:
        with partial.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    except OSError as error:
        raise ModelBuildError(f"{path}: cannot be written: {error.strerror or error}") from error
