"""What must arrive waits here: numbered, committed in groups, given up only when declared in a gap."""

import logging
import sqlite3
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from contract.topics import GAP, Topic
from edge_agent.errors import OutboxError
from edge_agent.outbox.declarations import RANGES_PER_GAP, gap, given_up, restarts
from edge_agent.outbox.ranges import Range
from edge_agent.outbox.restored import forgotten
from edge_agent.outbox.storage import Storage, is_damage
from edge_agent.outbox.waiting import Acknowledged, Build, Waiting, Work

RETRY_S: Final = 1.0

_log = logging.getLogger("edge_agent.outbox")


@dataclass(frozen=True, slots=True, kw_only=True)
class Counters:
    """How full the outbox is, and how far this boot has come."""

    rows: int = 0
    size_bytes: int = 0
    last_sequence: int = 0
    """Highest sequence on the disk."""
    dropped: int = 0
    """Messages given up since the boot."""
    problem: str = ""
    """Why the disk takes nothing, if it takes nothing."""


class Outbox:
    """The durable queue of one boot, and what earlier boots left.

    ``append`` may be called from any thread. One thread of its own writes: what has come within ``commit_s``
    is committed together, then ``on_commit`` is called. When the disk refuses, messages wait in memory, and
    what does not fit there is given up and declared later. A file that is broken is put aside.
    """

    def __init__(
        self, path: Path, boot: str, *, limit_bytes: int, commit_s: float,
        make_storage: Callable[[Path], Storage] = Storage,
    ) -> None:  # fmt: skip
        self.path, self.boot = path, boot
        self.on_commit: Callable[[], None] = lambda: None
        self.generation = 0
        """Grows when the file is replaced; whoever reads it must open it again."""
        self.sent_id = 0
        """Highest row id that has been sent; such rows are not given up, for they may have arrived."""
        self._limit_bytes, self._commit_s, self._make_storage = limit_bytes, commit_s, make_storage
        self._wake = threading.Condition()
        self._waiting = Waiting(boot)
        self._counters = Counters()
        self._taken = Work()
        """What is being committed now."""
        self._known: dict[str, Range] = {}
        self._storage: Storage | None = None
        self._heard: dict[str, int] = {}
        """Acknowledged up to where, per boot, since the last row went."""
        self._declare = self._alive = self._damaged = self._stalled = self._closing = False
        self._started_s = time.time()
        self._open_first()
        self._thread = threading.Thread(target=self._write, name="outbox", daemon=True)

    def start(self) -> None:
        """Begin to write."""
        self._thread.start()

    def append(self, topic: Topic, build: Build) -> int:
        """Give a message its sequence and queue it; ``ContractError`` if it does not keep to the contract."""
        with self._wake:
            sequence = self._waiting.append(topic, build)
            self._wake.notify()
            return sequence

    def acknowledge(self, boot: str, through: int, refused: tuple[int, ...] = ()) -> None:
        """Everything of ``boot`` up to ``through`` has arrived; so have, or never will, the ``refused``."""
        with self._wake:
            self._waiting.acknowledge(Acknowledged(boot=boot, through=through, refused=refused))
            self._wake.notify()

    def declare(self) -> None:
        """Turn what was given up into gap messages; for when they can be sent."""
        self._set("_declare")

    def stalled(self) -> None:
        """No row goes although all are sent: declare what the aggregator wants and nobody has any more."""
        self._set("_stalled")

    def alive(self) -> None:
        """Note on the disk that the agent is alive now."""
        self._set("_alive")

    def report_damage(self) -> None:
        """A reader found the file broken."""
        self._set("_damaged")

    @property
    def counters(self) -> Counters:
        """As of the last commit, with what is being committed and what waits for the next."""
        with self._wake:
            now, waiting = self._counters, self._waiting
            return replace(
                now, rows=now.rows + len(self._taken.entries) + len(waiting),
                size_bytes=now.size_bytes + waiting.size_bytes,
                dropped=now.dropped + waiting.dropped,
            )  # fmt: skip

    def close(self, timeout_s: float = 1.5) -> None:
        """Commit what waits, note that the end was in good order, give the file back."""
        self._set("_closing")
        if self._thread.is_alive():
            self._thread.join(timeout_s)
        elif self._storage is not None:
            self._storage.close()

    def _set(self, flag: str) -> None:
        with self._wake:
            setattr(self, flag, True)
            self._wake.notify()

    def _write(self) -> None:
        """The writing thread: wait for work, let a group gather, commit; after a refusal wait longer."""
        pause_s = self._commit_s
        while True:
            with self._wake:
                self._wake.wait_for(self._has_work)
                self._wake.wait_for(lambda: self._closing, timeout=pause_s)
                closing = self._closing
            taken = self._commit_or_keep(closing=closing)
            pause_s = self._commit_s if taken else RETRY_S
            if closing:
                if self._storage is not None:
                    self._storage.close()
                return
            if taken:
                self.on_commit()

    def _has_work(self) -> bool:
        flags = (self._declare, self._alive, self._damaged, self._stalled, self._closing)
        return self._waiting.has_work or any(flags)

    def _commit_or_keep(self, *, closing: bool) -> bool:
        """Whether the disk took what waited; if not it waits on."""
        work = Work()
        try:
            storage = self._sound_storage()
            with self._wake:
                if self._declare:
                    for build, effects in given_up(self.boot, storage.dropped(RANGES_PER_GAP)):
                        self._waiting.append(GAP, build, effects)
                if self._stalled:
                    heard, self._heard, self._stalled = self._heard, {}, False
                    for build in forgotten(self.boot, storage, heard):
                        self._waiting.append(GAP, build)
                self._alive = self._declare = False
                work = self._taken = self._waiting.take()
            self._commit(storage, work, closing=closing)
        except Exception as error:  # whatever it is, the thread must live and nothing may be lost
            self._refused(work, error)
            return False
        return True

    def _commit(self, storage: Storage, work: Work, *, closing: bool) -> None:
        """One transaction; when it returns, all of it is on the disk."""
        rows = self._counters.rows + len(work.entries)
        size_bytes = self._counters.size_bytes
        evicted = 0
        storage.begin()
        for item in work.acknowledged:
            gone, freed = storage.delete_acknowledged(item.boot, item.through, item.refused)
            rows, size_bytes = rows - gone, size_bytes - freed
            self._heard = {} if gone else {**self._heard, item.boot: item.through}
        size_bytes += storage.insert(self.boot, work.entries)
        for lost in work.lost:
            storage.drop(lost)
        if size_bytes > self._limit_bytes:
            surplus = size_bytes - self._limit_bytes + self._limit_bytes // 50  # room for the gap as well
            evicted, freed = storage.evict(surplus, self.sent_id, "outbox_full")
            rows, size_bytes = rows - evicted, size_bytes - freed
        highest = max(self._counters.last_sequence, work.last_sequence)
        storage.touch_boot(self.boot, max(0.0, time.time()), highest, clean=closing)
        storage.commit()
        if self._counters.problem:
            _log.info("outbox is written again")
        self._remember(work, highest)
        with self._wake:
            self._counters = Counters(
                rows=rows, size_bytes=size_bytes, last_sequence=highest,
                dropped=self._counters.dropped + evicted,
            )  # fmt: skip
            self._taken = Work()

    def _remember(self, work: Work, highest: int) -> None:
        """Which sequences would be lost with the file."""
        for item in work.acknowledged:
            first, last = self._known.get(item.boot, (1, item.through))
            self._known[item.boot] = (max(first, item.through + 1), last)
        first, _ = self._known.get(self.boot, (1, 0))
        self._known[self.boot] = (first, highest)

    def _refused(self, work: Work, error: Exception) -> None:
        if isinstance(error, sqlite3.Error):
            self._damaged = self._damaged or is_damage(error)
        if not self._counters.problem:
            _log.error("outbox cannot be written", extra={"file": str(self.path), "error": str(error)})
        if self._storage is not None:
            try:
                self._storage.rollback()
            except sqlite3.Error as again:
                _log.debug("rollback failed", extra={"error": str(again)})
        with self._wake:
            self._waiting.put_back(work)
            self._taken = Work()
            self._counters = replace(self._counters, problem=f"outbox cannot be written: {error}"[:300])

    def _open_first(self) -> None:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            since_s = self.path.stat().st_mtime if self.path.exists() else self._started_s
            self._open(since_s)
        except (sqlite3.Error, OSError) as error:
            raise OutboxError(f"outbox {self.path}: {error}") from error
        if self._storage is not None:
            for build, effects in restarts(self.boot, self._storage.boots()):
                self._waiting.append(GAP, build, effects)

    def _open(self, since_s: float) -> None:
        """Open the file, after putting it aside if it is broken."""
        try:
            self._load(self._make_storage(self.path))
        except sqlite3.Error as error:
            if not is_damage(error):
                raise
            self._put_aside(since_s, str(error))
            self._load(self._make_storage(self.path))

    def _load(self, storage: Storage) -> None:
        rows, size_bytes = storage.totals()
        known = storage.unacknowledged()
        storage.prune()
        self._storage = storage
        self._known.update(known)
        self._counters = replace(self._counters, rows=rows, size_bytes=size_bytes)

    def _sound_storage(self) -> Storage:
        if self._damaged or self._storage is None:
            self._put_aside(self._started_s, "found while running")
            self._load(self._make_storage(self.path))
            self._damaged = False
        if self._storage is None:
            raise OutboxError("the outbox has no file")
        return self._storage

    def _put_aside(self, since_s: float, reason: str) -> None:
        """Move the broken file away and queue gaps that declare what is known to have been in it."""
        aside = self.path.with_name(f"{self.path.name}.damaged")
        _log.error("outbox is damaged, moved aside", extra={"file": str(aside), "error": reason})
        if self._storage is not None:
            self._storage.close()
            self._storage = None
        if self.path.exists():
            self.path.replace(aside)
        for suffix in ("-wal", "-shm"):
            self.path.with_name(self.path.name + suffix).unlink(missing_ok=True)
        known = {boot: span for boot, span in self._known.items() if span[0] <= span[1]}
        self._known = {}
        self.generation += 1
        self.sent_id = 0
        with self._wake:
            for boot in known or (self.boot,):
                ranges = [known[boot]] if boot in known else []
                build = gap(self.boot, "storage_damaged", since_s, time.time(), of_boot=boot, ranges=ranges)
                self._waiting.append(GAP, build)
