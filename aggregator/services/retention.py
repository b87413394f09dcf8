"""Keeping the store within bounds: old rows go, the ledger of what came stays."""

import time
from collections.abc import Callable
from typing import Final

from aggregator.settings import Retention
from aggregator.store import retention as store
from aggregator.store.database import Database

DAY_S: Final = 86_400.0
SLICE: Final = 500
QUARANTINED_KEPT: Final = 10_000


class RetentionService:
    """Deletes by age, in slices that are short enough to do between two batches."""

    def __init__(
        self, database: Database, retention: Retention, *, now: Callable[[], float] = time.time
    ) -> None:
        self._database = database
        self._retention = retention
        self._now = now

    def step(self) -> bool:
        """Delete one slice of each kind; whether there is more to do. Raises ``StoreError``."""
        wanted = (
            (store.delete_detections, self._retention.detections_days),
            (store.delete_windows, self._retention.windows_days),
            (store.delete_levels, self._retention.levels_days),
        )
        now_s = self._now()
        with self._database.write() as connection:
            deleted = [
                delete(connection, now_s - days * DAY_S, SLICE) if days else 0 for delete, days in wanted
            ]
            store.delete_quarantined(connection, QUARANTINED_KEPT)
        return any(count >= SLICE for count in deleted)
