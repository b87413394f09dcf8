"""From the broker to the store and back: gather a batch, commit it, and only then acknowledge."""

import logging
import time
from collections.abc import Callable
from typing import Any, Final

from aggregator.errors import AggregatorError, StoreError
from aggregator.mqtt.desired import DesiredMessages
from aggregator.mqtt.link import Link
from aggregator.mqtt.pieces import Pieces
from aggregator.readiness import tell_ready
from aggregator.services.commands import CommandService
from aggregator.services.desired import DesiredService
from aggregator.services.inbox import Incoming
from aggregator.services.ingest import IngestService, Outcome
from aggregator.services.ota_delivery import OtaDelivery
from aggregator.services.retention import RetentionService
from aggregator.services.sampling import SamplingService
from aggregator.settings import Settings
from contract import topics, wire
from contract.errors import ContractError

ACK_EXPIRY_S: Final = 3600.0
PIECE_EXPIRY_S: Final = 60.0
IDLE_S: Final = 0.2
"""The longest wait for the network, and for a batch without anything that nodes wait for."""

COMMANDS_PERIOD_S: Final = 0.5
POLICIES_PERIOD_S: Final = 2.0
REPORT_PERIOD_S: Final = 60.0
SHORTEST_RETRY_S: Final = 0.2
LONGEST_RETRY_S: Final = 10.0
DELETION_PERIOD_S: Final = 600.0
DELETION_PAUSE_S: Final = 1.0
MOST_WAITING_BYTES: Final = 64_000_000
STORED: Final = tuple(topic for topic in topics.ALL if topic.from_node and topic not in topics.PASSING)

_log = logging.getLogger(__name__)


class Subscriber:
    """The ingest loop. One thread does it all, so nothing is locked and nothing is acknowledged early."""

    def __init__(
        self,
        settings: Settings,
        ingest: IngestService,
        commands: CommandService,
        sampling: SamplingService,
        retention: RetentionService,
        delivery: OtaDelivery,
        desired: DesiredService,
    ) -> None:
        self._namespace = settings.fleet.namespace
        self._batch_size = settings.ingest.batch_size
        self._flush_s = settings.ingest.flush_ms / 1000
        self._ingest = ingest
        self._commands = commands
        self._sampling = sampling
        self._retention = retention
        self._pieces = Pieces(self._namespace, delivery)
        self._desired = DesiredMessages(self._namespace, desired)
        self._waiting: list[Incoming] = []
        self._waiting_bytes = 0
        self._mids: list[tuple[int, int]] = []
        self._due_s: float | None = None
        self._failures = 0
        self._retry_s = 0.0
        self._discarded = 0
        self._next_commands_s = 0.0
        self._next_policies_s = time.monotonic() + POLICIES_PERIOD_S
        self._next_deletion_s = 0.0
        self._next_report_s = time.monotonic() + REPORT_PERIOD_S
        self._taken = Outcome()
        # The broker stops sending at this many unacknowledged messages: it must never be fewer than a batch.
        self._link = Link(
            settings,
            filters=[topics.from_all_nodes(self._namespace, topic) for topic in STORED],
            receive_maximum=min(65_535, max(1000, 2 * self._batch_size)),
            on_message=self._on_message,
            on_ready=tell_ready,
        )

    def run(self, stopped: Callable[[], bool]) -> None:
        """Work until ``stopped``; then store what has come, acknowledge it, and leave."""
        while not stopped():
            self._link.turn(self._patience_s())
            if self._due():
                self._flush()
            if not self._waiting:
                self._tell_policies()
                self._send_commands()
                self._desired.send(self._link)
                self._delete_old()
            if self._link.idle:
                self._pieces.answer(self._send_piece)
            self._report()
        if self._waiting:
            self._flush()
        self._link.close()

    def _patience_s(self) -> float:
        if self._failures:
            return max(0.0, min(IDLE_S, self._retry_s - time.monotonic()))
        if self._pieces.wait and self._link.idle:
            return 0.0
        if self._due_s is None:
            return IDLE_S
        return max(0.0, min(IDLE_S, self._due_s - time.monotonic()))

    def _due(self) -> bool:
        if not self._waiting:
            return False
        now_s = time.monotonic()
        if self._failures:
            return now_s >= self._retry_s
        return len(self._waiting) >= self._batch_size or (self._due_s is not None and now_s >= self._due_s)

    def _on_message(self, message: Any) -> None:
        incoming = Incoming(
            topic=_topic_of(message),
            payload=message.payload,
            retained=message.retain,
            received_s=time.time(),
        )
        if self._pieces.take(incoming):
            if message.qos:
                self._link.acknowledge(message.mid, self._link.generation)
            return
        if self._waiting_bytes + len(incoming.payload) > MOST_WAITING_BYTES:
            self._discarded += 1  # not acknowledged: the broker and the node still have it
            return
        self._waiting.append(incoming)
        self._waiting_bytes += len(incoming.payload)
        if message.qos:
            self._mids.append((message.mid, self._link.generation))
        due_s = time.monotonic() + (self._flush_s if message.qos else IDLE_S)
        self._due_s = due_s if self._due_s is None else min(self._due_s, due_s)

    def _flush(self) -> None:
        try:
            outcome = self._ingest.store(self._waiting)
        except StoreError as error:
            self._failures += 1
            wait_s = min(SHORTEST_RETRY_S * 2.0 ** min(self._failures, 10), LONGEST_RETRY_S)
            self._retry_s = time.monotonic() + wait_s
            _log.error("the store takes nothing (%s); %d messages wait, next try in %.1f s",
                       error, len(self._waiting), wait_s)  # fmt: skip
            return
        if self._failures:
            _log.info("the store works again")
        self._failures = 0
        self._taken = self._taken.plus(outcome)
        for mid, generation in self._mids:
            self._link.acknowledge(mid, generation)
        self._acknowledge(outcome)
        self._waiting, self._mids, self._waiting_bytes, self._due_s = [], [], 0, None
        if self._discarded:
            self._discarded = 0
            self._link.drop("messages were passed over while the store was away, to be delivered again")

    def _acknowledge(self, outcome: Outcome) -> None:
        for receipt in outcome.receipts:
            # Through 0 too: it tells a node that the store has forgotten what it had acknowledged.
            self._link.publish(
                topics.topic_name(self._namespace, receipt.node, topics.ACKNOWLEDGEMENT),
                wire.encode(topics.ACKNOWLEDGEMENT, receipt.acknowledgement),
                qos=topics.ACKNOWLEDGEMENT.qos,
                expiry_s=ACK_EXPIRY_S,
            )

    def _send_piece(self, topic: str, content: bytes) -> bool:
        return self._link.publish(topic, content, qos=topics.PIECE.qos, expiry_s=PIECE_EXPIRY_S)

    def _tell_policies(self) -> None:
        """Queue commands for nodes that do not yet sample as they should."""
        now_s = time.monotonic()
        if not self._link.connected or now_s < self._next_policies_s:
            return
        self._next_policies_s = now_s + POLICIES_PERIOD_S
        try:
            told = self._sampling.tell()
        except AggregatorError as error:
            _log.error("nodes cannot be told what to sample: %s", error)
            return
        if told:
            _log.info("told what to sample: %s", ", ".join(told))

    def _send_commands(self) -> None:
        now_s = time.monotonic()
        if not self._link.connected or now_s < self._next_commands_s:
            return
        self._next_commands_s = now_s + COMMANDS_PERIOD_S
        try:
            sent = [command.id for node, command in self._commands.waiting() if self._send(node, command)]
            if sent:
                self._commands.mark_sent(sent)
        except (StoreError, ContractError) as error:
            _log.error("commands cannot be sent: %s", error)

    def _delete_old(self) -> None:
        now_s = time.monotonic()
        if now_s < self._next_deletion_s:
            return
        try:
            more = self._retention.step()
        except StoreError as error:
            more = False
            _log.error("old rows cannot be deleted: %s", error)
        self._next_deletion_s = now_s + (DELETION_PAUSE_S if more else DELETION_PERIOD_S)

    def _report(self) -> None:
        now_s = time.monotonic()
        if now_s < self._next_report_s:
            return
        self._next_report_s = now_s + REPORT_PERIOD_S
        taken, self._taken = self._taken, Outcome()
        if taken.stored or taken.duplicates or taken.quarantined:
            _log.info("in the last minute stored %d, came again %d, quarantined %d",
                      taken.stored, taken.duplicates, taken.quarantined)  # fmt: skip

    def _send(self, node: str, command: Any) -> bool:
        return self._link.publish(
            topics.topic_name(self._namespace, node, topics.COMMAND),
            wire.encode(topics.COMMAND, command),
            qos=topics.COMMAND.qos,
            expiry_s=command.expires_s - time.time(),
        )


def _topic_of(message: Any) -> str:
    try:
        return str(message.topic)
    except UnicodeDecodeError:
        return "(a topic that is not UTF-8)"
