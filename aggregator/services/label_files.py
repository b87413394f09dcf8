"""Labels from other programs, and for them."""

import secrets
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy import Connection

from aggregator.domain.consensus import LABEL, NONE, SKIP
from aggregator.domain.label_files import formats
from aggregator.domain.label_files.formats import FORMATS, Format
from aggregator.domain.label_files.matching import Stretch, matching, strongest
from aggregator.domain.label_files.spans import BadLine, Line, Span
from aggregator.domain.label_names import reviewer_name
from aggregator.errors import LabelFileError
from aggregator.services.labels import LabelService
from aggregator.store import cards, dataset, review_labels
from aggregator.store import reviews as store
from aggregator.store.cards import LONGEST_WINDOW_S
from aggregator.store.database import Database

__all__ = ["FORMATS", "ExportedFile", "ImportReport", "LabelFileService", "Note"]

LARGEST_FILE_BYTES: Final = 16_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """Something about one line of a file."""

    file: str
    line: int
    """From 1; of Label Studio's files the task."""
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportReport:
    """What became of a file of labels."""

    file: str
    lines: int
    """Lines (of Label Studio: labels) that could be read."""
    windows: int
    """Windows that were given an answer."""
    unchanged: int
    """Windows of which the importer had said just that before."""
    outdone: int
    """Windows that another line covers more of than the one that named them."""
    new_labels: tuple[str, ...]
    bad: tuple[Note, ...]
    """Lines that were passed over."""
    without_window: tuple[Note, ...]
    """Lines at whose time no window of the node is stored."""
    batch: str | None
    """With which the import can be undone; None if nothing was added."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportedFile:
    """A file of labels."""

    name: str
    media_type: str
    text: str
    reviews: int
    origin_s: float
    """What its times count from, seconds since 1970."""


class LabelFileService:
    """Reads and writes files of labels. Safe for use by many threads."""

    def __init__(self, database: Database, *, now: Callable[[], float] = time.time) -> None:
        self._database = database
        self._labels = LabelService(database, now=now)
        self._now = now

    def load(
        self,
        file: str,
        content: bytes,
        format_name: str,
        reviewer: str,
        *,
        node: str = "",
        origin_s: float = 0.0,
        add_labels: bool = False,
    ) -> ImportReport:
        """Answer, as ``reviewer``, the windows that the lines of a file speak of: all of them, or none.

        ``node`` is that of a file which names none, ``origin_s`` what its times count from. A line that
        cannot be read is passed over and named, and so is one with an unknown label unless ``add_labels``.
        ``LabelFileError`` if it is no such file.
        """
        reviewer, wanted = reviewer_name(reviewer), formats.named(format_name)
        if len(content) > LARGEST_FILE_BYTES:
            raise LabelFileError(f"the file is larger than {LARGEST_FILE_BYTES // 1_000_000} MB")
        if not wanted.knows_nodes and not node:
            raise LabelFileError(f"{wanted.words} do not say which node they are of: name it")
        lines, bad = formats.read(wanted, content, node=node, origin_s=origin_s)
        with self._database.read() as connection:
            # Before the write: a long file shall not keep ingest waiting.
            nodes = {row.name for row in dataset.births(connection)}
            claims, without = _claims(connection, [line for line in lines if line.span.node in nodes])
        with self._database.write() as connection:
            fresh: list[str] = []
            if add_labels:
                names = dict.fromkeys(one.span.label for one in lines if one.span.label is not None)
                fresh = self._labels.ensure(connection, names, reviewer)
            meant = _meant(connection)
            lines, unknown = _sorted_out(lines, meant, nodes)
            chosen, outdone = _chosen(connection, claims, lines)
            batch, added = self._store(connection, chosen, meant, reviewer)
        notes = sorted((*bad, *unknown), key=lambda one: one.number)
        return ImportReport(
            file=file,
            lines=len(lines),
            windows=added,
            unchanged=len(chosen) - added,
            outdone=outdone,
            new_labels=tuple(fresh),
            bad=tuple(Note(file=file, line=one.number, why=one.why) for one in notes),
            without_window=tuple(Note(file=file, line=one.number, why=one.why) for one in without),
            batch=batch if added else None,
        )

    def dump(
        self, format_name: str, *, node: str = "", origin_s: float | None = None, reviewer: str = ""
    ) -> ExportedFile:
        """What reviewers say, as a file: the newest answer of each of a window, without skips.

        Times of a format that counts from a start count from ``origin_s``, else from the first window.
        """
        wanted = formats.named(format_name)
        if not wanted.knows_nodes and not node:
            raise LabelFileError(f"{wanted.words} are of one node: name it")
        with self._database.read() as connection:
            rows = store.in_force(connection)
        newest = {(row.window_id, row.reviewer): row for row in rows}
        spans = [
            _span(row)
            for row in sorted(newest.values(), key=_by_time)
            if row.verdict != SKIP
            and (not node or row.node == node)
            and (not reviewer or row.reviewer == reviewer)
        ]
        zero_s = _origin_s(wanted, spans, origin_s)
        return ExportedFile(
            name=_file_name(wanted, node, zero_s),
            media_type=wanted.media_type,
            text=formats.write(wanted, spans, origin_s=zero_s),
            reviews=len(spans),
            origin_s=zero_s,
        )

    def _store(
        self, connection: Connection, chosen: dict[int, Span], meant: dict[str, int], reviewer: str
    ) -> tuple[str, int]:
        """Batch, and number of the windows of which the reviewer had not said just this."""
        batch, now_s = secrets.token_hex(16), self._now()
        said = {row.window_id: row for row in store.of_reviewer(connection, reviewer, list(chosen))}
        rows: list[dict[str, Any]] = []
        for window_id, span in chosen.items():
            verdict = NONE if span.label is None else LABEL
            label_id = None if span.label is None else meant[span.label]
            before = said.get(window_id)
            if before is None or (before.verdict, before.label_id) != (verdict, label_id):
                rows.append(
                    {
                        "window_id": window_id,
                        "reviewer": reviewer,
                        "verdict": verdict,
                        "label_id": label_id,
                        "batch": batch,
                        "source": "import",
                        "made_s": now_s,
                    }
                )
        store.add(connection, rows)
        cards.recount(connection, [row["window_id"] for row in rows])
        return batch, len(rows)


def _meant(connection: Connection) -> dict[str, int]:
    """Every name of a label → id of the label that it counts as."""
    return {row.name: row.merged_into or row.id for row in review_labels.all_rows(connection)}


def _sorted_out(
    lines: Iterable[Line], meant: dict[str, int], nodes: set[str]
) -> tuple[list[Line], list[BadLine]]:
    """Lines whose node and label are known, and the others with what is wrong."""
    good, bad = [], []
    for line in lines:
        span = line.span
        if span.node not in nodes:
            bad.append(BadLine(number=line.number, why=f"no node is called “{span.node}”"))
        elif span.label is not None and span.label not in meant:
            bad.append(BadLine(number=line.number, why=f"there is no label “{span.label}”; add it first"))
        else:
            good.append(line)
    return good, bad


def _claims(
    connection: Connection, lines: Iterable[Line]
) -> tuple[list[tuple[int, float, Line]], list[BadLine]]:
    """Windows with the seconds shared and the line that speaks of them; and lines that speak of none."""
    claims: list[tuple[int, float, Line]] = []
    without = []
    for line in lines:
        span = line.span
        rows = dataset.windows_between(connection, span.node, span.start_s, span.end_s, LONGEST_WINDOW_S)
        stretches = [Stretch(window_id=row.id, start_s=row.start_s, end_s=row.end_s) for row in rows]
        found = matching(span, stretches)
        claims += [(stretch.window_id, shared_s, line) for stretch, shared_s in found]
        if not found:
            why = f"no window of {span.node} is stored there ({_moment(span.start_s)})"
            without.append(BadLine(number=line.number, why=why))
    return claims, without


def _chosen(
    connection: Connection, claims: list[tuple[int, float, Line]], lines: list[Line]
) -> tuple[dict[int, Span], int]:
    """Window → the span that it follows, and how many windows were named in vain."""
    known = {id(line) for line in lines}
    stored = store.stored(connection, list({window_id for window_id, _, _ in claims}))
    valid = [claim for claim in claims if id(claim[2]) in known and claim[0] in stored]
    followed = strongest((window_id, shared_s, at) for at, (window_id, shared_s, _) in enumerate(valid))
    chosen = {window_id: valid[at][2].span for window_id, at in followed.items()}
    return chosen, sum(line.span.label != chosen[window_id].label for window_id, _, line in valid)


def _by_time(row: Any) -> tuple[float, int, int]:
    return row.start_s, row.window_id, row.id


def _span(row: Any) -> Span:
    return Span(
        node=row.node,
        start_s=row.start_s,
        end_s=row.end_s,
        label=row.label,
        reviewer=row.reviewer,
        window_id=row.window_id,
    )


def _origin_s(wanted: Format, spans: list[Span], asked_s: float | None) -> float:
    if asked_s is not None or not wanted.relative:
        return asked_s or 0.0
    return spans[0].start_s if spans else 0.0


def _file_name(wanted: Format, node: str, origin_s: float) -> str:
    of_node = f"-{node}" if node else ""
    since = f"-from-{_moment(origin_s).replace(':', '-')}" if wanted.relative and origin_s else ""
    return f"labels{of_node}{since}{wanted.suffix}"


def _moment(moment_s: float) -> str:
    try:
        return datetime.fromtimestamp(moment_s, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    except (ValueError, OverflowError, OSError):
        return f"{moment_s:g} s"
