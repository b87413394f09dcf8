"""Who did what, in a log in which nothing can be changed or taken out unseen."""

import json
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol

from sqlalchemy import Connection

from aggregator.domain import audit as chain
from aggregator.domain.audit import Entry
from aggregator.store import audit as store
from aggregator.store.database import Database

AT_ONCE: Final = 1000
LONGEST_WHO: Final = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryView:
    """An entry, for people."""

    id: int
    at_s: float
    who: str
    action: str
    details: Mapping[str, Any]
    hash: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Examined:
    """What came of verifying the log."""

    entries: int
    intact: bool
    broken_id: int | None
    """The first entry that is not as it was written, or whose predecessor is gone."""
    head: str
    """The hash of the last good entry. Whoever keeps it elsewhere also sees when the end is cut off."""
    head_known: bool | None
    """Whether a head that was kept elsewhere is part of the log; None if none was given."""


class Audit(Protocol):
    """Where it is kept who did what."""

    def record(self, who: str, action: str, details: Mapping[str, Any]) -> None:
        """Keep it."""


class AuditService:
    """Writes and reads the log. Safe for use by many threads and processes."""

    def __init__(self, database: Database, *, now: Callable[[], float] = time.time) -> None:
        self._database = database
        self._now = now

    def record(self, who: str, action: str, details: Mapping[str, Any]) -> None:
        """Add an entry."""
        with self._database.write() as connection:
            enter(connection, who, action, details, self._now())

    def newest(self, limit: int = 100, before: int | None = None) -> list[EntryView]:
        """The newest entries, or those before one, newest first."""
        with self._database.read() as connection:
            return [_view(row) for row in store.newest(connection, limit, before)]

    def verify(self, head: str = "") -> Examined:
        """Whether the chain holds from its beginning to its end, and holds ``head``, if one is given."""
        seen = False

        def entries() -> Iterator[Entry]:
            nonlocal seen
            last = 0
            while rows := store.after(connection, last, AT_ONCE):
                for row in rows:
                    seen |= row.hash == head
                    yield Entry(**row._asdict())
                last = rows[-1].id

        with self._database.read() as connection:
            broken, last = chain.first_broken(entries())
            count = store.count(connection)
        known = seen if head else None
        return Examined(
            entries=count, intact=broken is None and known is not False, broken_id=broken, head=last,
            head_known=known,
        )  # fmt: skip


def enter(connection: Connection, who: str, action: str, details: Mapping[str, Any], now_s: float) -> None:
    """Add an entry within a transaction: it is there if what it speaks of is."""
    previous = store.last_hash(connection) or chain.BEGIN
    name, text = who.strip()[:LONGEST_WHO] or "somebody", chain.canonical(details)
    row = {"at_s": now_s, "who": name, "action": action, "details": text, "previous": previous}
    store.append(connection, row | {"hash": chain.sealed(previous, now_s, name, action, text)})


def _view(row: Any) -> EntryView:
    return EntryView(
        id=row.id, at_s=row.at_s, who=row.who, action=row.action, details=json.loads(row.details),
        hash=row.hash,
    )  # fmt: skip
