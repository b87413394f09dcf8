"""What ``aggregator labels`` runs."""

import argparse
import json
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from aggregator import bootstrap
from aggregator.commands import given
from aggregator.errors import LabelFileError
from aggregator.services.catalogue import Services
from aggregator.services.label_files import ImportReport
from aggregator.settings import Settings


def load(settings: Settings, arguments: argparse.Namespace) -> int:
    """Import a file; 1 if a line was passed over."""
    content = _content(arguments.file)
    with _services(settings) as services:
        report = services.label_files.load(
            str(arguments.file),
            content,
            arguments.format,
            arguments.reviewer,
            node=arguments.node,
            origin_s=_moment_s(arguments.start) or 0.0,
            add_labels=arguments.add_labels,
        )
    if arguments.json:
        _say(json.dumps(asdict(report), indent=1, ensure_ascii=False))
    else:
        _tell(report)
    return 1 if report.bad else 0


def dump(settings: Settings, arguments: argparse.Namespace) -> int:
    """Export reviews to a file, or to standard output."""
    with _services(settings) as services:
        made = services.label_files.dump(
            arguments.format,
            node=arguments.node,
            origin_s=_moment_s(arguments.start),
            reviewer=arguments.reviewer,
        )
        services.audit.record(given.user(), "export", {"what": made.name, "node": arguments.node})
    if arguments.out is None:
        sys.stdout.write(made.text)
    else:
        _write(arguments.out, made.text)
    told = {"file": str(arguments.out or "-"), "reviews": made.reviews, "origin_s": made.origin_s}
    # The file itself may be on standard output.
    line = json.dumps(told) if arguments.json else _exported(made.reviews, made.origin_s)
    print(line, file=sys.stdout if arguments.json and arguments.out else sys.stderr)
    return 0


@contextmanager
def _services(settings: Settings) -> Iterator[Services]:
    with closing(bootstrap.database(settings, migrate=True)) as opened:
        yield bootstrap.services(settings, opened)


def _tell(report: ImportReport) -> None:
    _say(f"{report.file}: {report.windows} windows answered from {report.lines} lines")
    if report.unchanged:
        _say(f"  {report.unchanged} windows had just that answer before")
    if report.outdone:
        _say(f"  {report.outdone} times another line covered more of the window")
    if report.new_labels:
        _say(f"  new labels: {', '.join(report.new_labels)}")
    for note in (*report.bad, *report.without_window):
        print(f"{note.file}:{note.line}: {note.why}", file=sys.stderr)  # noqa: T201


def _exported(reviews: int, origin_s: float) -> str:
    count = f"{reviews} answer{'' if reviews == 1 else 's'}"
    if not origin_s:
        return count
    return f"{count}; times count from {datetime.fromtimestamp(origin_s, UTC).isoformat()} ({origin_s!r})"


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise LabelFileError(f"{path}: {error.strerror or error}") from error


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise LabelFileError(f"{path}: {error.strerror or error}") from error


def _moment_s(text: str | None) -> float | None:
    try:
        return given.moment_s(text) if text else None
    except ValueError as error:
        raise LabelFileError(f"--start: {error}") from error


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
