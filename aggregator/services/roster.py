"""The nodes and boots that ingest has to do with, kept in memory and written back with each batch.

Only one ingest writes a database. If a batch is undone, ``forget`` what it did: it is read again.
"""

from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import Connection

from aggregator.domain.fleet import Presence
from aggregator.domain.progress import Progress
from aggregator.store import fleet as rows
from aggregator.store import journal

_MOST_ENTRIES: Final = 10_000


@dataclass(slots=True, kw_only=True)
class KnownBoot:
    """One run of a node's agent."""

    id: int
    boot: str
    last_heard_s: float
    superseded: bool
    epoch_s: float | None
    received: int
    duplicates: int
    progress: Progress

    def columns(self) -> dict[str, Any]:
        """What is written back."""
        return {
            "key": self.id,
            "last_heard_s": self.last_heard_s,
            "superseded": self.superseded,
            "epoch_s": self.epoch_s,
            "through": self.progress.through(),
            "received": self.received,
            "duplicates": self.duplicates,
            "missing": self.progress.missing(),
        }


@dataclass(slots=True, kw_only=True)
class KnownNode:
    """A node as it was last heard."""

    id: int
    name: str
    presence: Presence
    last_heard_s: float | None
    birth: str | None
    heartbeat: str | None
    clock_offset_s: float | None
    boots: dict[str, KnownBoot] = field(default_factory=dict)

    def columns(self, revision: int) -> dict[str, Any]:
        """What is written back."""
        return {
            "key": self.id,
            "revision": revision,
            "boot": self.presence.boot,
            "online": self.presence.online,
            "last_heard_s": self.last_heard_s,
            "birth": self.birth,
            "heartbeat": self.heartbeat,
            "clock_offset_s": self.clock_offset_s,
        }


class Roster:
    """Nodes, boots, labels and models by name."""

    def __init__(self) -> None:
        self._nodes: dict[str, KnownNode] = {}
        self._labels: dict[str, int] = {}
        self._models: dict[tuple[str, str], int] = {}
        self._revision: int | None = None

    def forget(self) -> None:
        """Drop everything: what is needed is read again."""
        self._nodes.clear()
        self._labels.clear()
        self._models.clear()
        self._revision = None

    def trim(self) -> None:
        """Drop everything if it has become much."""
        boots = sum(len(node.boots) for node in self._nodes.values())
        if boots + len(self._labels) + len(self._models) > _MOST_ENTRIES:
            self.forget()

    def next_revision(self, connection: Connection) -> int:
        """A number higher than that of any change of any node before."""
        if self._revision is None:
            self._revision = rows.highest_revision(connection)
        self._revision += 1
        return self._revision

    def label_id(self, connection: Connection, name: str) -> int:
        """The row of a label."""
        if name not in self._labels:
            self._labels[name] = journal.label_id(connection, name)
        return self._labels[name]

    def model_id(self, connection: Connection, name: str, frontend_digest: str) -> int:
        """The row of a model with its front end."""
        key = (name, frontend_digest)
        if key not in self._models:
            self._models[key] = journal.model_id(connection, name, frontend_digest)
        return self._models[key]

    def node(self, connection: Connection, name: str) -> KnownNode:
        """The node of that name."""
        if name not in self._nodes:
            row = rows.node_row(connection, name)
            self._nodes[name] = KnownNode(
                id=row.id,
                name=name,
                presence=Presence(boot=row.boot, online=row.online),
                last_heard_s=row.last_heard_s,
                birth=row.birth,
                heartbeat=row.heartbeat,
                clock_offset_s=row.clock_offset_s,
            )
        return self._nodes[name]

    def boot(self, connection: Connection, node: KnownNode, boot: str, now_s: float) -> KnownBoot:
        """A boot of ``node``."""
        if boot not in node.boots:
            row = rows.boot_row(connection, node.id, boot, now_s)
            node.boots[boot] = KnownBoot(
                id=row.id,
                boot=boot,
                last_heard_s=row.last_heard_s,
                superseded=row.superseded,
                epoch_s=row.epoch_s,
                received=row.received,
                duplicates=row.duplicates,
                progress=rows.load_progress(connection, row.id, row.through),
            )
        return node.boots[boot]
