"""What each node should run: kept as rows, told as retained messages, asked for by nodes that poll."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from aggregator.store import desired as store
from aggregator.store.database import Database
from contract.updates import Desired

SENT_AT_ONCE: Final = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A message to a node, and what to remember once it is sent."""

    node: str
    message: Desired
    node_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """How nodes get at what they should run."""

    url: str = ""
    """Where metadata and bundles are; empty: over MQTT."""
    poll_s: float = 21_600.0
    limit_bytes_per_s: int = 0
    token: Callable[[str], str] = lambda _node: ""
    """What a node shows there."""


class DesiredService:
    """Answers what a node should run. Safe for use by many threads."""

    def __init__(
        self, database: Database, delivery: Delivery, *, now: Callable[[], float] = time.time
    ) -> None:
        self._database = database
        self._delivery = delivery
        self._now = now

    def desired(self, node: str) -> Desired | None:
        """What a node should run; None if nothing was ever said."""
        with self._database.read() as connection:
            row = store.of_node(connection, node)
        return None if row is None else self._message(row)

    def may_fetch(self, node: str, digest: str) -> bool:
        """Whether a node should run this bundle now."""
        with self._database.read() as connection:
            row = store.of_node(connection, node)
        return row is not None and row.release == digest

    def unsent(self) -> list[Told]:
        """What has not been handed to the broker yet, the oldest first."""
        with self._database.read() as connection:
            rows = store.unsent(connection, SENT_AT_ONCE)
        return [Told(node=row.node, message=self._message(row), node_id=row.node_id) for row in rows]

    def mark_sent(self, told: Sequence[Told]) -> None:
        """These have been handed to the broker."""
        with self._database.write() as connection:
            sent = [(one.node_id, one.message.serial) for one in told]
            store.mark_sent(connection, sent, self._now())

    def send_again(self) -> None:
        """Hand everything to the broker once more: it may have lost what it retained."""
        with self._database.write() as connection:
            store.send_again(connection)

    def _message(self, row: Any) -> Desired:
        delivery = self._delivery
        return Desired(
            serial=row.serial,
            issued_s=row.issued_s,
            release=row.release,
            target=row.target,
            rollout=row.rollout,
            attempt=row.attempt,
            mode=row.mode,
            url=delivery.url,
            token=delivery.token(row.node),
            poll_s=delivery.poll_s,
            limit_bytes_per_s=delivery.limit_bytes_per_s,
            probation_s=row.probation_s,
            shadow_s=row.shadow_s,
            shadow_cpu_percent=row.shadow_cpu_percent,
        )
