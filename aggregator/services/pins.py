"""Nodes that rollouts leave alone."""

import time
from collections.abc import Callable
from typing import Final

from sqlalchemy import Connection

from aggregator.domain.rollouts import orders
from aggregator.domain.rollouts.states import Order, Step
from aggregator.errors import RolloutError
from aggregator.services import audit
from aggregator.services.rollout_engine import ACTIVE, Releases
from aggregator.services.rollout_rows import order_row, read_tracked, save_state, save_steps
from aggregator.services.rollout_views import PinView
from aggregator.services.rollout_wish import find_release
from aggregator.store import desired as store
from aggregator.store import fleet, rollouts
from aggregator.store.database import Database

LONGEST_REASON: Final = 500


class PinService:
    """Pins and unpins nodes. Safe for use by many threads and processes."""

    def __init__(
        self, database: Database, releases: Releases, *, now: Callable[[], float] = time.time
    ) -> None:
        self._database = database
        self._releases = releases
        self._now = now

    def pins(self) -> list[PinView]:
        """Every pin, by node."""
        with self._database.read() as connection:
            return [
                PinView(
                    node=row.node, release=row.release, model=row.model, reason=row.reason, who=row.who,
                    pinned_s=row.pinned_s,
                )
                for row in store.pins(connection)
            ]  # fmt: skip

    def pin(self, node: str, who: str, *, release: str = "", reason: str = "") -> None:
        """Keep a node at what it runs, or at a published release. Raises ``UnknownNodeError``, and
        ``RolloutError`` if the release is not published, or not for this node."""
        found = find_release(self._releases.published(), release) if release else None
        if found is not None and not found.allows(node):
            raise RolloutError(f"{found.target} is for other nodes than {node}")
        said, now_s = " ".join(reason.split())[:LONGEST_REASON], self._now()
        with self._database.write() as connection:
            node_id = fleet.node_id(connection, node)
            digest = found.digest if found else None
            row = {"node_id": node_id, "release": digest, "model": found.model if found else "",
                   "reason": said, "who": who, "pinned_s": now_s}  # fmt: skip
            store.pin(connection, row)
            self._let_go(connection, node, node_id, now_s)
            order = Order(
                node=node, release=digest, target=found.target if found else "",
                attempt=1 + _tried(connection, node, digest),
            )  # fmt: skip
            store.save(connection, [order_row(order, node_id, now_s)])
            audit.enter(connection, who, "pin", {"node": node, "release": digest, "reason": said}, now_s)

    def unpin(self, node: str, who: str, *, reason: str = "") -> None:
        """Let rollouts have the node again. ``RolloutError`` if it is not pinned."""
        with self._database.write() as connection:
            node_id = fleet.node_id(connection, node)
            if not store.unpin(connection, node_id):
                raise RolloutError(f"{node} is not pinned")
            self._let_go(connection, node, node_id, self._now())
            said = " ".join(reason.split())[:LONGEST_REASON]
            audit.enter(connection, who, "unpin", {"node": node, "reason": said}, self._now())

    @staticmethod
    def _let_go(connection: Connection, node: str, node_id: int, now_s: float) -> None:
        """Take the node out of what is under way, and have the engine look again."""
        rollouts.lock(connection)
        for row in rollouts.in_states(connection, ACTIVE):
            tracked = read_tracked(connection, row)
            gone = orders.let_go(tracked.of_node(node), "pinned", now_s)
            save_steps(connection, [Step(rollout=tracked.rollout, members=gone)], {node: node_id}, now_s)
            save_state(connection, tracked.rollout, now_s, by_person=True)


def _tried(connection: Connection, node: str, digest: str | None) -> int:
    """The highest attempt of a node at a bundle."""
    row = store.of_node(connection, node)
    last: int = row.attempt if row is not None and row.release == digest else 0
    of_rollouts = {(one.node, one.release): one.attempt for one in rollouts.attempts(connection)}
    return max(last, int(of_rollouts.get((node, digest), 0)))
