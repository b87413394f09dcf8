"""The outbox's file: all of its SQL, nothing of its policy but the order in which rows give way."""

import sqlite3
from collections.abc import Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from edge_agent.outbox.ranges import Range, merge

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS boots (
    boot TEXT PRIMARY KEY, started_s REAL NOT NULL, alive_s REAL NOT NULL,
    last_sequence INTEGER NOT NULL, clean INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS rows (
    id INTEGER PRIMARY KEY AUTOINCREMENT, boot TEXT NOT NULL, sequence INTEGER NOT NULL,
    kind TEXT NOT NULL, wall_s REAL NOT NULL, size INTEGER NOT NULL, content BLOB NOT NULL);
CREATE UNIQUE INDEX IF NOT EXISTS rows_by_sequence ON rows (boot, sequence);
CREATE INDEX IF NOT EXISTS rows_by_kind ON rows (kind, id, size);
CREATE TABLE IF NOT EXISTS dropped (
    boot TEXT NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL, reason TEXT NOT NULL,
    start_s REAL NOT NULL, end_s REAL NOT NULL, PRIMARY KEY (boot, first)) WITHOUT ROWID;
"""
_OLDEST_WINDOWS: Final = (
    "SELECT id, boot, sequence, size, wall_s FROM rows WHERE kind = 'features' AND id > ? ORDER BY id"
)
_NEWEST_DETECTIONS: Final = (
    "SELECT id, boot, sequence, size, wall_s FROM rows WHERE kind = 'detection' AND id > ? ORDER BY id DESC"
)
_GAPS: Final = (
    "SELECT id, boot, sequence, kind, content FROM rows WHERE kind = 'gap' AND id > ? ORDER BY id LIMIT ?"
)
_OTHERS: Final = (
    "SELECT id, boot, sequence, kind, content FROM rows WHERE kind <> 'gap' AND id > ? ORDER BY id LIMIT ?"
)
_BOOTS_KEPT: Final = 200
_DAMAGE: Final = ("SQLITE_CORRUPT", "SQLITE_NOTADB", "SQLITE_FORMAT")

Effect = tuple[str, tuple[Any, ...]]
"""A statement that belongs to a message: it takes place if and when the message is committed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A message that has its sequence and waits for its commit."""

    sequence: int
    kind: str
    wall_s: float
    content: bytes
    effects: tuple[Effect, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A committed message that waits for its acknowledgement."""

    id: int
    boot: str
    sequence: int
    kind: str
    content: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Dropped:
    """Sequences of a boot that were given up and are not yet declared."""

    boot: str
    first: int
    last: int
    reason: str
    start_s: float
    end_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class BootRecord:
    """What the file knows of one run of the agent."""

    boot: str
    started_s: float
    alive_s: float
    last_sequence: int
    clean: bool


def is_damage(error: sqlite3.Error) -> bool:
    """Whether the file itself is broken, so that trying again is of no use."""
    return str(getattr(error, "sqlite_errorname", "")).startswith(_DAMAGE)


def connect(path: Path, *, read_only: bool = False) -> sqlite3.Connection:
    """A connection in write-ahead mode whose commits survive a power cut."""
    mode = "ro" if read_only else "rwc"
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode={mode}",
        uri=True, timeout=2.0, isolation_level=None, check_same_thread=False,
    )  # fmt: skip
    if not read_only:
        prepare(connection, "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL")
    return connection


def prepare(connection: sqlite3.Connection, script: str) -> None:
    """Run ``script``; a connection that cannot, as to a broken file, is closed."""
    try:
        connection.executescript(script)
    except sqlite3.Error:
        connection.close()
        raise


class Storage:
    """The file, for its one writer. Methods between ``begin`` and ``commit`` are one transaction."""

    def __init__(self, path: Path) -> None:
        self._connection = connect(path)
        prepare(self._connection, _SCHEMA)

    def begin(self) -> None:
        """Start a transaction."""
        self._connection.execute("BEGIN IMMEDIATE")

    def commit(self) -> None:
        """Everything since ``begin`` is on the disk when this returns."""
        self._connection.execute("COMMIT")

    def rollback(self) -> None:
        """Undo everything since ``begin``."""
        if self._connection.in_transaction:
            self._connection.execute("ROLLBACK")

    def close(self) -> None:
        """Give the file back."""
        self._connection.close()

    def prune(self) -> None:
        """Forget old runs of which nothing is left."""
        self._connection.execute(
            "DELETE FROM boots WHERE boot NOT IN (SELECT boot FROM rows) AND boot NOT IN "
            "(SELECT boot FROM dropped) AND boot NOT IN "
            "(SELECT boot FROM boots ORDER BY started_s DESC LIMIT ?)",
            (_BOOTS_KEPT,),
        )

    def totals(self) -> tuple[int, int]:
        """Rows, and bytes of their content; for the start, it looks at all of them."""
        rows, size = self._connection.execute("SELECT COUNT(*), COALESCE(SUM(size), 0) FROM rows").fetchone()
        return int(rows), int(size)

    def boots(self) -> list[BootRecord]:
        """Every run that the file remembers, oldest first."""
        return read_boots(self._connection)

    def unacknowledged(self) -> dict[str, Range]:
        """Per boot with rows: its lowest one, and the highest sequence that it gave out."""
        found = self._connection.execute(
            "SELECT rows.boot, MIN(sequence), MAX(COALESCE(last_sequence, sequence)) FROM rows "
            "LEFT JOIN boots USING (boot) GROUP BY rows.boot"
        )
        return {boot: (first, last) for boot, first, last in found}

    def touch_boot(self, boot: str, now_s: float, last_sequence: int, *, clean: bool) -> None:
        """Note that ``boot`` was alive, and how far it has come."""
        self._connection.execute(
            "INSERT INTO boots VALUES (?1, ?2, ?2, ?3, ?4) ON CONFLICT (boot) DO UPDATE SET "
            "alive_s = ?2, last_sequence = MAX(last_sequence, ?3), clean = ?4",
            (boot, now_s, last_sequence, clean),
        )

    def insert(self, boot: str, entries: Iterable[Entry]) -> int:
        """Add messages and let their effects take place; the bytes added."""
        added = 0
        for entry in entries:
            for statement, values in entry.effects:
                self._connection.execute(statement, values)
            self._connection.execute(
                "INSERT INTO rows (boot, sequence, kind, wall_s, size, content) VALUES (?, ?, ?, ?, ?, ?)",
                (boot, entry.sequence, entry.kind, entry.wall_s, len(entry.content), entry.content),
            )
            added += len(entry.content)
        return added

    def delete_acknowledged(self, boot: str, through: int, refused: Iterable[int]) -> tuple[int, int]:
        """Forget what has arrived; rows and bytes that this freed."""
        rows = freed = 0
        for first, last in [(0, through), *((sequence, sequence) for sequence in refused)]:
            span = (boot, first, last)
            where = "FROM rows WHERE boot = ? AND sequence BETWEEN ? AND ?"
            count, size = self._connection.execute(
                f"SELECT COUNT(*), COALESCE(SUM(size), 0) {where}",
                span,
            ).fetchone()
            self._connection.execute(f"DELETE {where}", span)
            rows, freed = rows + count, freed + size
        return rows, freed

    def evict(self, surplus_bytes: int, sent_id: int, reason: str) -> tuple[int, int]:
        """Give rows up until ``surplus_bytes`` are free; rows and bytes that this freed.

        The oldest windows go first, then the newest detections; gaps never. Rows up to ``sent_id`` have been
        sent and may have arrived, so they cannot be declared as lost.
        """
        given_up, before = 0, surplus_bytes
        for query in (_OLDEST_WINDOWS, _NEWEST_DETECTIONS):
            cursor = self._connection.execute(query, (sent_id,))
            with closing(cursor):
                chosen = []
                while surplus_bytes > 0 and (found := cursor.fetchone()) is not None:
                    chosen.append(found)
                    surplus_bytes -= found[3]
            # Ascending, so that neighbours become one range.
            for row_id, boot, sequence, _, wall_s in sorted(chosen):
                self._connection.execute("DELETE FROM rows WHERE id = ?", (row_id,))
                self.drop(
                    Dropped(
                        boot=boot, first=sequence, last=sequence, reason=reason, start_s=wall_s, end_s=wall_s
                    )
                )
            given_up += len(chosen)
        return given_up, before - surplus_bytes

    def drop(self, dropped: Dropped) -> None:
        """Remember what was given up; a range that it continues grows."""
        cursor = self._connection.execute(
            "UPDATE dropped SET last = ?3, start_s = MIN(start_s, ?5), end_s = MAX(end_s, ?6) "
            "WHERE boot = ?1 AND last = ?2 - 1 AND reason = ?4",
            (dropped.boot, dropped.first, dropped.last, dropped.reason, dropped.start_s, dropped.end_s),
        )
        if cursor.rowcount == 0:
            self._connection.execute(
                "INSERT OR REPLACE INTO dropped VALUES (?, ?, ?, ?, ?, ?)",
                (dropped.boot, dropped.first, dropped.last, dropped.reason, dropped.start_s, dropped.end_s),
            )

    def gaps(self) -> list[bytes]:
        """The gap messages that wait."""
        return [row.content for row in read_rows(self._connection, 0, -1, gaps=True)]

    def dropped(self, limit: int = -1) -> list[Dropped]:
        """What is given up and not declared, at most ``limit`` ranges; all if it is negative."""
        found = self._connection.execute(
            "SELECT boot, first, last, reason, start_s, end_s FROM dropped "
            "ORDER BY boot, reason, first LIMIT ?",
            (limit,),
        )
        return [
            Dropped(boot=boot, first=first, last=last, reason=reason, start_s=start_s, end_s=end_s)
            for boot, first, last, reason, start_s, end_s in found
        ]


def settled(dropped: Dropped) -> Effect:
    """The effect of a gap that declares ``dropped``."""
    return "DELETE FROM dropped WHERE boot = ? AND first = ?", (dropped.boot, dropped.first)


def closed(boot: str) -> Effect:
    """The effect of a gap that declares how ``boot`` ended."""
    return "UPDATE boots SET clean = 1 WHERE boot = ?", (boot,)


def read_boots(connection: sqlite3.Connection) -> list[BootRecord]:
    """Every run that the file remembers, oldest first."""
    found = connection.execute(
        "SELECT boot, started_s, alive_s, last_sequence, clean FROM boots ORDER BY started_s"
    )
    return [
        BootRecord(
            boot=boot, started_s=started_s, alive_s=alive_s, last_sequence=last_sequence, clean=bool(clean)
        )
        for boot, started_s, alive_s, last_sequence, clean in found
    ]


def read_rows(connection: sqlite3.Connection, after_id: int, limit: int, *, gaps: bool) -> list[Row]:
    """Committed gaps, or everything else, beyond ``after_id``, in the order in which they were made."""
    found = connection.execute(_GAPS if gaps else _OTHERS, (after_id, limit))
    return [
        Row(id=row_id, boot=boot, sequence=sequence, kind=kind, content=content)
        for row_id, boot, sequence, kind, content in found
    ]


def read_counts(
    connection: sqlite3.Connection,
) -> tuple[Mapping[str, tuple[int, int]], dict[str, list[Range]]]:
    """Per boot: rows and bytes; and the ranges given up but not yet declared."""
    rows = {
        boot: (count, size)
        for boot, count, size in connection.execute(
            "SELECT boot, COUNT(*), SUM(size) FROM rows GROUP BY boot"
        )
    }
    ranges: dict[str, list[Range]] = {}
    for boot, first, last in connection.execute("SELECT boot, first, last FROM dropped"):
        ranges.setdefault(boot, []).append((first, last))
    return rows, {boot: merge(found) for boot, found in ranges.items()}
