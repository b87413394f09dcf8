"""Keeping the store within bounds: old rows go, and the oldest of too many; the ledger of what came stays."""

import time
from collections.abc import Callable
from typing import Final

from sqlalchemy import Connection

from aggregator.settings import Retention
from aggregator.store import retention as store
from aggregator.store.database import Database

DAY_S: Final = 86_400.0
MEGABYTE: Final = 1_000_000
SLICE: Final = 500
QUARANTINED_KEPT: Final = 10_000


class RetentionService:
    """Deletes by age and size, in slices that are short enough to do between two batches."""

    def __init__(
        self, database: Database, retention: Retention, *, now: Callable[[], float] = time.time
    ) -> None:
        self._database = database
        self._days = {name: getattr(retention, f"{name}_days") for name in store.CLASSES}
        self._megabytes = {name: getattr(retention, f"{name}_mb") for name in store.CLASSES}
        self._now = now
        self._excess_bytes: dict[str, float] = {}
        self._more = False

    def step(self) -> bool:
        """Delete one slice of each class; whether there is more to do. Raises ``StoreError``."""
        if not self._more:
            self._excess_bytes = self._measure()
        with self._database.write() as connection:
            old = [self._delete_old(connection, name) for name in store.CLASSES]
            many = [self._delete_excess(connection, name) for name in self._excess_bytes]
            store.delete_quarantined(connection, QUARANTINED_KEPT)
        self._more = any(old) or any(many)
        return self._more

    def _measure(self) -> dict[str, float]:
        """By how much each class is too large. It reads every row, so it is done once a round."""
        limits = {name: megabytes * MEGABYTE for name, megabytes in self._megabytes.items() if megabytes}
        with self._database.read() as connection:
            return {name: store.size_bytes(connection, name) - most for name, most in limits.items()}

    def _delete_old(self, connection: Connection, name: str) -> bool:
        if not self._days[name]:
            return False
        before_s = self._now() - self._days[name] * DAY_S
        return store.delete_before(connection, name, before_s, SLICE) >= SLICE

    def _delete_excess(self, connection: Connection, name: str) -> bool:
        if self._excess_bytes[name] > 0:
            freed = store.delete_oldest(connection, name, self._excess_bytes[name], SLICE)
            # Nothing is left to delete if nothing was freed: then the round ends all the same.
            self._excess_bytes[name] = self._excess_bytes[name] - freed if freed else 0.0
        return self._excess_bytes[name] > 0
