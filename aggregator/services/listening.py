"""Who may listen to which node now, and the record of who did."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from threading import BoundedSemaphore
from typing import Any, Final

from aggregator.domain.listening import LEVELS, OFF, Quality, allowed, refusal
from aggregator.errors import ListeningError, NotAllowedError, StoreError
from aggregator.services.allowances import allow, allowance
from aggregator.services.audit import enter
from aggregator.services.live_streams import Ear, LiveStreams
from aggregator.store.allowances import LISTENING
from aggregator.store.database import Database

WORTH_S: Final = 5.0
"""So long it is believed that somebody may go on listening."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ListeningView:
    """Whether a node may be listened to."""

    node: str
    online: bool
    level: str
    """What is allowed on the dashboard: one of ``domain.listening.LEVELS``."""
    offered: tuple[str, ...]
    """Codecs in which its owner lets it be listened to."""
    clock_synced: bool
    """Whether its clock can be believed, and so the delay."""
    changed_s: float | None
    changed_by: str | None

    @property
    def codecs(self) -> tuple[str, ...]:
        """Those in which it may be listened to now."""
        return allowed(self.level, self.offered)


class ListeningService:
    """Permission, seats and record. Safe for use by many threads."""

    def __init__(
        self, database: Database, streams: LiveStreams, *, seats: int, now: Callable[[], float] = time.time
    ) -> None:
        """At most ``seats`` listen at once."""
        self._database, self._streams, self._now = database, streams, now
        self._seats = BoundedSemaphore(seats)
        self._most = seats

    def node(self, name: str) -> ListeningView:
        """What is allowed of a node; ``UnknownNodeError`` if it was never heard."""
        return _view(name, allowance(self._database, name, LISTENING))

    def allow(self, name: str, level: str, who: str) -> None:
        """Allow it, or no longer; whoever listens beyond that is cut off."""
        if level not in LEVELS:
            raise ListeningError(f"what is allowed must be one of {', '.join(LEVELS)}")
        allow(self._database, name, LISTENING, level, who, self._now())
        self._streams.restrict(name, self.node(name).codecs)

    def still(self, name: str, quality: Quality) -> Callable[[], bool]:
        """A question for those who listen: whether it is still allowed. Ask it as often as you like.

        What was changed by another process is noticed after ``WORTH_S``; while the database is away, what was
        allowed is.
        """
        known, known_s = True, time.monotonic()

        def may() -> bool:
            nonlocal known, known_s
            if time.monotonic() - known_s > WORTH_S:
                known_s = time.monotonic()
                with suppress(StoreError):
                    known = quality.codec in self.node(name).codecs
            return known

        return may

    @contextmanager
    def listen(self, name: str, quality: Quality, who: str) -> Iterator[Ear]:
        """An ear at the node. That ``who`` listens is recorded when it begins, and how long when it ends.

        Raises ``UnknownNodeError``, ``NotAllowedError`` or ``ListeningError``.
        """
        if not quality.known:
            raise ListeningError("no node knows this codec, or packets of this length")
        view = self.node(name)
        if reason := refusal(name, view.level, view.offered, quality.codec):
            raise NotAllowedError(reason)
        if not view.online:
            raise ListeningError(f"{name} is not connected")
        if not self._seats.acquire(blocking=False):
            raise ListeningError(f"{self._most} people listen already, and no more can at once; try later")
        try:
            # The node begins while that is written down.
            with self._streams.join(name, quality) as ear, self._recorded(name, quality, who):
                yield ear
        finally:
            self._seats.release()

    def expect(self) -> None:
        """Somebody looks at the page from which people listen: be ready."""
        self._streams.expect()

    def settle(self, patience_s: float = 2.0) -> None:
        """Wait a moment until nodes have been told that nobody listens: for programs that end now."""
        self._streams.settle(patience_s)

    def close(self) -> None:
        """Nobody listens any more."""
        self._streams.close()

    @contextmanager
    def _recorded(self, name: str, quality: Quality, who: str) -> Iterator[None]:
        begun_s = time.monotonic()
        details: dict[str, Any] = {"node": name, "codec": quality.codec}
        self._record(who, "listen live", details)
        try:
            yield
        finally:
            seconds = round(time.monotonic() - begun_s, 1)
            self._record(who, "listened live", details | {"seconds": seconds})

    def _record(self, who: str, action: str, details: dict[str, Any]) -> None:
        with self._database.write() as connection:
            enter(connection, who, action, details, self._now())


def _view(name: str, row: Any) -> ListeningView:
    birth: dict[str, Any] = json.loads(row.birth) if row.birth else {}
    return ListeningView(
        node=name,
        online=row.online,
        level=row.level or OFF,
        offered=tuple(birth.get("listening", ())),
        clock_synced=bool(birth.get("clock_synced")),
        changed_s=row.changed_s,
        changed_by=row.changed_by,
    )
