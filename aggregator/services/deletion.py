"""Deletes a window, or what a node has sent, for good; and records that it was done."""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection

from aggregator.domain.deletions import NODE, WINDOW, Counts
from aggregator.errors import DeletionError, UnknownWindowError
from aggregator.services import audit
from aggregator.services.snapshot_purge import SnapshotPurge
from aggregator.store import deletion as store
from aggregator.store import drift, fleet, releases, snapshots, updates
from aggregator.store.database import Database

SLICE: Final = 500
"""Rows that go at once: ingest waits no longer than for these."""
ABANDONED_S: Final = 300.0
"""A deletion that has not ended after so long was cut off: it is done again, which does no harm."""
LONGEST_WHO: Final = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class DeletionPlan:
    """What would go."""

    scope: str
    """``window`` or ``node``."""
    node: str
    window_id: int | None
    until_s: float | None
    """Of a node: what began before; None: all of it."""
    counts: Counts
    snapshots: tuple[int, ...]
    """Snapshots that would be written anew without it."""
    releases: tuple[int, ...]
    """Releases that have learned from these snapshots; they stay, with a note."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeletionView:
    """What went."""

    id: int
    scope: str
    node: str
    window_id: int | None
    until_s: float | None
    who: str
    asked_s: float
    done_s: float | None
    """None: it was cut off, and goes on within minutes."""
    counts: Counts


class DeletionService:
    """Plans, does and remembers deletions. Safe for use by many threads and processes."""

    def __init__(
        self, database: Database, purge: SnapshotPurge, *, now: Callable[[], float] = time.time
    ) -> None:
        self._database = database
        self._purge = purge
        self._now = now

    def plan_window(self, window_id: int) -> DeletionPlan:
        """What goes with a window; ``UnknownWindowError`` if it is not stored."""
        with self._database.read() as connection:
            row = _window(connection, window_id)
            answers = store.answers(connection, [window_id])
            held = snapshots.holding(connection, [window_id])
            return DeletionPlan(
                scope=WINDOW, node=row.node, window_id=window_id, until_s=None,
                counts=Counts(windows=1, answers=answers), snapshots=tuple(held),
                releases=tuple(releases.of_snapshots(connection, held)),
            )  # fmt: skip

    def plan_node(self, name: str, until_s: float | None = None) -> DeletionPlan:
        """What goes with a node's data; ``UnknownNodeError`` if it was never heard."""
        with self._database.read() as connection:
            node_id = fleet.node_id(connection, name)
            counts = Counts.from_plain(store.counts(connection, node_id, name, until_s))
            held = store.snapshots_of(connection, node_id, until_s)
            return DeletionPlan(
                scope=NODE, node=name, window_id=None, until_s=until_s, counts=counts, snapshots=tuple(held),
                releases=tuple(releases.of_snapshots(connection, held)),
            )  # fmt: skip

    def delete_window(self, window_id: int, who: str) -> DeletionView:
        """Delete a window with all that was said of it, also from snapshots.

        Raises ``UnknownWindowError``, and ``SnapshotError`` if a snapshot could not be written yet.
        """
        with self._database.read() as connection:
            node = _window(connection, window_id).node
        return self._do(self._begin(WINDOW, node, who, window_id=window_id))

    def delete_node_data(self, name: str, who: str, until_s: float | None = None) -> DeletionView:
        """Delete what a node has sent, all or what began before ``until_s``, also from snapshots.

        The node itself stays: its name, its state, and which messages came, so that none is taken twice.
        Raises ``UnknownNodeError``, and ``SnapshotError`` if a snapshot could not be written yet.
        """
        with self._database.read() as connection:
            fleet.node_id(connection, name)
        return self._do(self._begin(NODE, name, who, until_s=until_s))

    def newest(self, limit: int = 100) -> list[DeletionView]:
        """What was deleted last, newest first."""
        with self._database.read() as connection:
            return [_view(row) for row in store.newest(connection, limit)]

    def step(self) -> bool:
        """Do what was cut off, and take out of snapshots what retention has deleted. Never more to do."""
        with self._database.read() as connection:
            abandoned = store.unfinished(connection, self._now() - ABANDONED_S)
        for deletion_id in abandoned:
            self._do(deletion_id)
        self._purge.run()
        return False

    def _begin(self, scope: str, node: str, who: str, **what: Any) -> int:
        if not who.strip():
            raise DeletionError("say who deletes; it is recorded")
        row = {
            "scope": scope, "node": node, "who": who.strip()[:LONGEST_WHO], "asked_s": self._now(),
            "counts": json.dumps(Counts().to_plain()), "window_id": None, "until_s": None,
        }  # fmt: skip
        with self._database.write() as connection:
            audit.enter(connection, who, f"delete.{scope}", {"node": node, **what}, self._now())
            return store.add(connection, row | what)

    def _do(self, deletion_id: int) -> DeletionView:
        while self._slice(deletion_id):
            pass
        self._purge.run()
        with self._database.write() as connection:
            store.change(connection, deletion_id, done_s=self._now())
            view = _view(store.by_id(connection, deletion_id))
        self._database.scrub()
        return view

    def _slice(self, deletion_id: int) -> bool:
        """Delete one slice and count it, together; whether there may be more."""
        with self._database.write() as connection:
            row = store.by_id(connection, deletion_id)
            went = self._some_of_node(connection, row) if row.scope == NODE else _the_window(connection, row)
            counts = Counts.from_plain(json.loads(row.counts)).plus(went)
            store.change(connection, deletion_id, counts=json.dumps(counts.to_plain()))
        return not went.nothing

    def _some_of_node(self, connection: Connection, row: Any) -> Counts:
        node_id, until_s = fleet.node_id(connection, row.node), row.until_s
        some = store.window_ids(connection, node_id, until_s, SLICE)
        if some:
            windows, answers = store.delete_windows(connection, some)
            return Counts(windows=windows, answers=answers)
        drift.forget(connection, node_id, until_s)
        detections = store.delete_detections(connection, node_id, until_s, SLICE)
        if detections:
            return Counts(detections=detections)
        return Counts(
            level_s=store.delete_levels(connection, node_id, until_s, SLICE),
            quarantined=store.delete_quarantined(connection, row.node, until_s),
            reports=updates.forget(connection, node_id, until_s, SLICE),
        )


def _the_window(connection: Connection, row: Any) -> Counts:
    windows, answers = store.delete_windows(connection, [row.window_id])
    return Counts(windows=windows, answers=answers)


def _window(connection: Connection, window_id: int) -> Any:
    row = store.window(connection, window_id)
    if row is None:
        raise UnknownWindowError(f"there is no window {window_id}, or not any more")
    return row


def _view(row: Any) -> DeletionView:
    return DeletionView(
        id=row.id, scope=row.scope, node=row.node, window_id=row.window_id, until_s=row.until_s, who=row.who,
        asked_s=row.asked_s, done_s=row.done_s, counts=Counts.from_plain(json.loads(row.counts)),
    )  # fmt: skip
