"""Reads committed rows for whoever sends them, through a connection of its own."""

import sqlite3

from edge_agent.outbox.outbox import Outbox
from edge_agent.outbox.storage import Row, connect, is_damage, read_rows


class Reader:
    """Rows in the order in which they are to be sent: gaps first.

    The aggregator acknowledges past a hole only when the gap that declares it has arrived; behind a full
    window of other messages that gap would never be sent.
    """

    def __init__(self, outbox: Outbox) -> None:
        self._outbox = outbox
        self._connection: sqlite3.Connection | None = None
        self._generation = -1
        self._gap_id = self._row_id = 0

    def rewind(self) -> None:
        """Begin again with the first row that is not acknowledged."""
        self._gap_id = self._row_id = 0

    def next(self, limit: int) -> list[Row]:
        """At most ``limit`` rows not given out since the last rewind; none while the file is in trouble."""
        try:
            connection = self._open()
            rows = read_rows(connection, self._gap_id, limit, gaps=True)
            if rows:
                self._gap_id = rows[-1].id
            if len(rows) < limit:
                others = read_rows(connection, self._row_id, limit - len(rows), gaps=False)
                if others:
                    self._row_id = others[-1].id
                rows += others
        except sqlite3.Error as error:
            self.close()
            if is_damage(error):
                self._outbox.report_damage()
            return []
        return rows

    def close(self) -> None:
        """Give the file back."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _open(self) -> sqlite3.Connection:
        if self._generation != self._outbox.generation:
            self.close()
            self.rewind()
        if self._connection is None:
            self._generation = self._outbox.generation
            self._connection = connect(self._outbox.path, read_only=True)
        return self._connection
