"""What drifted, and the alerts: read from what ``drift_index`` has computed."""

from typing import Final

from aggregator.services.drift_views import AlertView, DriftView, alert_view, from_row
from aggregator.store import drift as store
from aggregator.store.database import Database

SHOWN: Final = 50


class DriftService:
    """Answers at once, whatever it cost to compute. Safe for use by many threads."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def nodes(self) -> list[DriftView]:
        """Every node, by name."""
        with self._database.read() as connection:
            return [from_row(row) for row in store.summaries(connection)]

    def node(self, name: str) -> DriftView | None:
        """One node; None if it was never heard."""
        with self._database.read() as connection:
            rows = store.summaries(connection, name)
        return from_row(rows[0]) if rows else None

    def open_alerts(self) -> list[AlertView]:
        """The alerts that have not ended, newest first."""
        with self._database.read() as connection:
            return [alert_view(row) for row in store.open_alerts(connection)]

    def alerts(self, node: str | None = None, limit: int = SHOWN) -> list[AlertView]:
        """The alerts that began last, newest first, also those that have ended."""
        with self._database.read() as connection:
            return [alert_view(row) for row in store.newest_alerts(connection, node, limit)]
