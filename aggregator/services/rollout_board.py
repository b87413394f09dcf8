"""Rollouts to look at."""

import json
from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import Connection

from aggregator.domain.published import Published
from aggregator.domain.rollouts.plan import Plan
from aggregator.errors import UnknownRolloutError
from aggregator.services.rollout_engine import Releases
from aggregator.services.rollout_views import RolloutDetail, RolloutView, member_view, rollout_view
from aggregator.store import rollouts as store
from aggregator.store.database import Database

SHOWN: Final = 100


class RolloutBoard:
    """Shows rollouts. Safe for use by many threads and processes."""

    def __init__(self, database: Database, releases: Releases) -> None:
        self._database = database
        self._releases = releases

    def published(self) -> Sequence[Published]:
        """What can be rolled out, newest first."""
        return self._releases.published()

    def every(self, limit: int = SHOWN) -> list[RolloutView]:
        """The newest rollouts."""
        with self._database.read() as connection:
            return _views(connection, store.newest(connection, limit))

    def get(self, rollout_id: int) -> RolloutView:
        """One rollout; ``UnknownRolloutError``."""
        with self._database.read() as connection:
            return view_of(connection, rollout_id)

    def detail(
        self, rollout_id: int, *, state: str = "", wave: int | None = None, node: str = "", limit: int = SHOWN
    ) -> RolloutDetail:
        """A rollout with some of its nodes: in a state, of a wave (from 1), with a name that begins so."""
        with self._database.read() as connection:
            row = row_of(connection, rollout_id)
            view = _views(connection, [row])[0]
            number = None if wave is None else wave - 1
            rows = store.members_shown(connection, rollout_id, state, number, node, limit + 1)
        plan = Plan.from_plain(json.loads(row.plan))
        members = tuple(member_view(one, plan) for one in rows[:limit])
        return RolloutDetail(view=view, plan=plan, members=members, members_left=len(rows) > limit)


def row_of(connection: Connection, rollout_id: int) -> Any:
    """The row of a rollout; ``UnknownRolloutError``."""
    row = store.by_id(connection, rollout_id)
    if row is None:
        raise UnknownRolloutError(f"there is no rollout {rollout_id}")
    return row


def view_of(connection: Connection, rollout_id: int) -> RolloutView:
    """The view of a rollout; ``UnknownRolloutError``."""
    return _views(connection, [row_of(connection, rollout_id)])[0]


def _views(connection: Connection, rows: Sequence[Any]) -> list[RolloutView]:
    counted: dict[int, dict[tuple[int, str], int]] = {}
    for one in store.member_counts(connection, [row.id for row in rows]):
        counted.setdefault(one.rollout_id, {})[one.wave, one.state] = one.count
    return [rollout_view(row, store.waves(connection, row.id), counted.get(row.id, {})) for row in rows]
