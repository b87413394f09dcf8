"""One batch of messages within one transaction: what each kind of message does to the store."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Table

from aggregator.domain import clock, fleet
from aggregator.domain.clock import Span
from aggregator.services import rows
from aggregator.services.inbox import Accepted, Refused
from aggregator.services.roster import KnownBoot, KnownNode, Roster
from aggregator.store import fleet as fleet_rows
from aggregator.store import journal, updates
from aggregator.store.rollout_tables import disagreements, shadow_reports, update_reports
from contract.commands import Acknowledgement
from contract.messages import (
    Birth,
    Detection,
    DurableMessage,
    Features,
    Gap,
    Heartbeat,
    Message,
    State,
)
from contract.updates import Disagreement, Shadow, Update


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """What a node may be told once the batch is committed."""

    node: str
    acknowledgement: Acknowledgement


class Batch:
    """Takes messages, then writes what they amount to. Use once."""

    def __init__(self, connection: Connection, roster: Roster, now_s: float) -> None:
        self._connection = connection
        self._roster = roster
        self._now_s = now_s
        self._entries: dict[journal.Key, tuple[KnownNode, KnownBoot, Accepted | Refused]] = {}
        self._nodes: dict[str, KnownNode] = {}
        self._boots: dict[int, tuple[KnownNode, KnownBoot]] = {}
        self._due: dict[int, tuple[KnownNode, KnownBoot]] = {}
        self._detections: list[dict[str, Any]] = []
        self._windows: list[dict[str, Any]] = []
        self._levels: list[dict[str, Any]] = []
        self._quarantined: list[dict[str, Any]] = []
        self._said: dict[Table, list[dict[str, Any]]] = {}
        self.stored = 0
        self.duplicates = 0

    @property
    def quarantined(self) -> int:
        """Messages that went to the quarantine."""
        return len(self._quarantined)

    def write(self, messages: Sequence[Accepted | Refused]) -> list[Receipt]:
        """Write ``messages``; what to tell their nodes after the commit."""
        for message in messages:
            if isinstance(message, Accepted):
                self._take(message)
            else:
                self._take_refused(message)
        self._enter()
        journal.add_detections(self._connection, self._detections)
        journal.add_windows(self._connection, self._windows)
        journal.add_levels(self._connection, self._levels)
        journal.add_quarantined(self._connection, self._quarantined)
        updates.add(self._connection, self._said)
        self._save()
        return [self._receipt(node, boot) for node, boot in self._due.values()]

    def _take(self, message: Accepted) -> None:
        record, incoming = message.record, message.incoming
        node = self._node(message.node)
        boot = self._boot(node, str(record.boot))  # type: ignore[attr-defined]
        # A last will comes from the broker: it is no sign of life, and neither is what was retained.
        if not incoming.retained and not (isinstance(record, State) and not record.online):
            node.last_heard_s = boot.last_heard_s = incoming.received_s
        if isinstance(record, DurableMessage):
            self._put(node, boot, record.sequence, message)
        elif isinstance(record, Birth):
            self._take_birth(node, boot, record, message)
        elif isinstance(record, State):
            after = fleet.after_state(
                node.presence, boot.boot, online=record.online, superseded=boot.superseded
            )
            self._move(node, after)
        elif isinstance(record, Heartbeat):
            self._take_heartbeat(node, boot, record, incoming.received_s)

    def _take_birth(self, node: KnownNode, boot: KnownBoot, birth: Birth, message: Accepted) -> None:
        retained = message.incoming.retained
        if not retained:
            self._measure_clock(node, boot, birth, message.incoming.received_s)
        if not boot.superseded:
            node.birth = rows.as_json(birth)
            self._due[boot.id] = (node, boot)
        self._move(
            node,
            fleet.after_birth(node.presence, boot.boot, superseded=boot.superseded, retained=retained),
        )

    def _take_heartbeat(
        self, node: KnownNode, boot: KnownBoot, heartbeat: Heartbeat, received_s: float
    ) -> None:
        if boot.superseded:
            return
        self._measure_clock(node, boot, heartbeat, received_s)
        node.heartbeat = rows.as_json(heartbeat)
        self._move(node, fleet.after_heartbeat(node.presence, boot.boot, superseded=False))
        if heartbeat.levels_dbfs:
            length_s = float(len(heartbeat.levels_dbfs))
            span = self._settle(boot, heartbeat, heartbeat.wall_s - length_s, heartbeat.wall_s, received_s)
            values = rows.pack_levels(heartbeat.levels_dbfs)
            self._levels.append({"node_id": node.id, "start_s": span.end_s - length_s, "values": values})

    def _move(self, node: KnownNode, after: fleet.Presence) -> None:
        before = node.presence.boot
        if before is not None and before != after.boot:
            self._boot(node, before).superseded = True
            node.heartbeat = None
        node.presence = after

    def _measure_clock(self, node: KnownNode, boot: KnownBoot, message: Message, received_s: float) -> None:
        boot.epoch_s = clock.epoch_s(boot.epoch_s, monotonic_s=message.monotonic_s, received_s=received_s)
        node.clock_offset_s = received_s - message.wall_s

    def _take_refused(self, message: Refused) -> None:
        if message.node is None or message.boot is None or message.sequence is None:
            self._quarantine(message)
            return
        node = self._node(message.node)
        self._put(node, self._boot(node, message.boot), message.sequence, message)

    def _put(self, node: KnownNode, boot: KnownBoot, sequence: int, message: Accepted | Refused) -> None:
        self._due[boot.id] = (node, boot)
        if (boot.id, sequence) in self._entries:
            self._count_duplicate(boot)
        else:
            self._entries[boot.id, sequence] = (node, boot, message)

    def _enter(self) -> None:
        entries = {key: isinstance(entry[2], Refused) for key, entry in self._entries.items()}
        fresh = journal.enter(self._connection, entries)
        for key, (node, boot, message) in self._entries.items():
            if key not in fresh:
                self._count_duplicate(boot)
                continue
            boot.received += 1
            boot.progress.receive(key[1], refused=entries[key])
            if isinstance(message, Refused):
                self._quarantine(message)
            else:
                self.stored += 1
                self._keep(node, boot, message)

    def _keep(self, node: KnownNode, boot: KnownBoot, message: Accepted) -> None:
        record, received_s = message.record, message.incoming.received_s
        if isinstance(record, Detection):
            self._keep_detection(node, boot, record, received_s)
        elif isinstance(record, Features):
            self._keep_features(node, boot, record, received_s)
        elif isinstance(record, Gap):
            self._keep_gap(node, boot, record, received_s)
        elif isinstance(record, Update):
            self._say(update_reports, self._durable(node, boot, record) | rows.of_update(record))
        elif isinstance(record, Shadow | Disagreement):
            span = self._settle(boot, record, record.start_s, record.end_s, received_s)
            self._keep_comparison(self._durable(node, boot, record) | rows.of_span(span), record)

    def _keep_comparison(self, row: dict[str, Any], record: Shadow | Disagreement) -> None:
        if isinstance(record, Shadow):
            self._say(shadow_reports, row | rows.of_shadow(record))
        else:
            self._say(disagreements, row | rows.of_disagreement(record))

    def _say(self, table: Table, row: dict[str, Any]) -> None:
        self._said.setdefault(table, []).append(row)

    def _keep_detection(self, node: KnownNode, boot: KnownBoot, record: Detection, received_s: float) -> None:
        span = self._settle(boot, record, record.start_s, record.end_s, received_s)
        ids = {
            "label_id": self._roster.label_id(self._connection, record.label),
            "model_id": self._roster.model_id(self._connection, record.model, record.frontend_digest),
        }
        self._detections.append(
            self._durable(node, boot, record) | rows.of_span(span) | rows.of_detection(record) | ids
        )

    def _keep_features(self, node: KnownNode, boot: KnownBoot, record: Features, received_s: float) -> None:
        span = self._settle(boot, record, record.start_s, record.end_s, received_s)
        self._windows.append(
            self._durable(node, boot, record) | rows.of_span(span) | rows.of_features(record)
        )

    def _keep_gap(self, node: KnownNode, boot: KnownBoot, record: Gap, received_s: float) -> None:
        gap_boot = self._boot(node, record.gap_boot)
        self._due[gap_boot.id] = (node, gap_boot)
        span = self._settle(boot, record, record.start_s, record.end_s, received_s)
        row = self._durable(node, boot, record) | rows.of_gap(record, span, gap_boot.id)
        ranges = [(first, last) for first, last in record.ranges]
        journal.add_gap(self._connection, row, ranges)
        for first, last in ranges:
            gap_boot.progress.declare(first, last)

    def _quarantine(self, message: Refused) -> None:
        self._quarantined.append(rows.of_refused(message))

    def _durable(self, node: KnownNode, boot: KnownBoot, record: DurableMessage) -> dict[str, Any]:
        return rows.durable(record, node_id=node.id, boot_id=boot.id, stored_s=self._now_s)

    def _settle(
        self, boot: KnownBoot, record: Message, start_s: float, end_s: float, received_s: float
    ) -> Span:
        return clock.settle(
            start_s=start_s,
            end_s=end_s,
            wall_s=record.wall_s,
            monotonic_s=record.monotonic_s,
            received_s=received_s,
            boot_epoch_s=boot.epoch_s,
        )

    def _node(self, name: str) -> KnownNode:
        node = self._roster.node(self._connection, name)
        self._nodes[name] = node
        return node

    def _boot(self, node: KnownNode, boot: str) -> KnownBoot:
        known = self._roster.boot(self._connection, node, boot, self._now_s)
        self._boots[known.id] = (node, known)
        return known

    def _count_duplicate(self, boot: KnownBoot) -> None:
        boot.duplicates += 1
        self.duplicates += 1

    def _save(self) -> None:
        revision = self._roster.next_revision
        fleet_rows.save_boots(self._connection, [boot.columns() for _, boot in self._boots.values()])
        fleet_rows.save_nodes(
            self._connection, [node.columns(revision(self._connection)) for node in self._nodes.values()]
        )

    @staticmethod
    def _receipt(node: KnownNode, boot: KnownBoot) -> Receipt:
        acknowledgement = Acknowledgement(
            boot=boot.boot,
            through=boot.progress.through(),
            refused=boot.progress.refused_beyond(),
        )
        return Receipt(node=node.name, acknowledgement=acknowledgement)
