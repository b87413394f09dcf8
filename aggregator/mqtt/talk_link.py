"""A connection of the dashboard's own for talk: calls and sound come in, turns and sound go out."""

import logging
import queue
import secrets
import threading
from typing import Any, Final

from aggregator.mqtt.link import Link
from aggregator.services.talk import TalkService
from aggregator.settings import Settings
from contract import topics, wire
from contract.errors import ContractError
from contract.live import SoundPacket
from contract.record import Record
from contract.topics import CALL, HEARD, VOICE, Topic
from contract.voice import Call, Heard

BUSY_TURN_S: Final = 0.005
"""While somebody talks: what a browser says waits no longer than this."""
IDLE_TURN_S: Final = 0.1
TURN_EXPIRY_S: Final = 5.0

_log = logging.getLogger(__name__)


class TalkLink:
    """One thread for the network; another one for calls, which ask the database."""

    def __init__(self, settings: Settings, service: TalkService) -> None:
        self._namespace, self._service = settings.fleet.namespace, service
        self._leaving: queue.SimpleQueue[tuple[str, Topic, Record]] = queue.SimpleQueue()
        self._calls: queue.SimpleQueue[tuple[str, Call] | None] = queue.SimpleQueue()
        self._stop = threading.Event()
        self._threads: list[threading.Thread] = []
        self._link = Link(
            settings,
            filters=[topics.from_all_nodes(self._namespace, topic) for topic in (CALL, VOICE, HEARD)],
            receive_maximum=1000,
            on_message=self._on_message,
            on_ready=lambda: None,
            client_id=f"{settings.client_id}-talk-{secrets.token_hex(4)}",
            lasting=False,
        )

    def start(self) -> None:
        """Connect, and stay connected: a node may call at any time."""
        for name, run in (("talk-link", self._run), ("talk-calls", self._answer)):
            thread = threading.Thread(target=run, name=name, daemon=True)
            self._threads.append(thread)
            thread.start()

    def send(self, node: str, topic: Topic, record: Record) -> None:
        """Hand it over."""
        self._leaving.put((node, topic, record))

    def close(self, timeout_s: float = 1.0) -> None:
        """Send what waits, and leave."""
        self._calls.put(None)
        self._stop.set()
        for thread in self._threads:
            thread.join(timeout_s)

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                self._link.turn(BUSY_TURN_S if self._service.busy else IDLE_TURN_S)
                self._send_waiting()
            except Exception:  # the thread must live, whatever a library or a packet makes it raise
                _log.exception("talk is disturbed")
                self._stop.wait(IDLE_TURN_S)
        self._send_waiting()
        self._link.close()

    def _send_waiting(self) -> None:
        while not self._leaving.empty():
            node, topic, record = self._leaving.get()
            # Sound expires at the broker, too: what a node gets when it comes back is no talk.
            self._link.publish(
                topics.topic_name(self._namespace, node, topic), wire.encode(topic, record),
                qos=topic.qos, expiry_s=TURN_EXPIRY_S,
            )  # fmt: skip

    def _on_message(self, message: Any) -> None:
        if message.qos:
            self._link.acknowledge(message.mid, self._link.generation)
        try:
            node, topic = topics.parse_topic(self._namespace, message.topic)
            record = wire.decode(topic, message.payload)
        except (ContractError, UnicodeDecodeError) as error:
            _log.warning("what somebody says is refused: %s", error)
            return
        if message.retain:
            return
        if isinstance(record, SoundPacket):
            self._service.packet(node, record)
            self._send_waiting()
        elif isinstance(record, Heard):
            self._service.heard(node, record)
        elif isinstance(record, Call):
            self._calls.put((node, record))

    def _answer(self) -> None:
        while not self._stop.is_set():
            try:
                asked = self._calls.get(timeout=IDLE_TURN_S)
                if asked is not None:
                    self._service.call(*asked)
            except queue.Empty:
                pass
            except Exception:  # as above
                _log.exception("a call is not answered")
            self._service.look()
