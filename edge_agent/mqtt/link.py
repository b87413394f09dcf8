"""The link to the broker: connects, keeps trying, drains the outbox, hears what the aggregator says."""

import logging
import random
import threading
import time
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from paho.mqtt.client import Client, MQTTMessageInfo
from paho.mqtt.enums import MQTTErrorCode

from contract.commands import Acknowledgement, Command
from contract.errors import ContractError
from contract.live import SoundPacket
from contract.messages import Birth, Heartbeat, State
from contract.record import Record
from contract.topics import (
    ACKNOWLEDGEMENT,
    BIRTH,
    BY_KIND,
    COMMAND,
    DESIRED,
    FETCH,
    HEARTBEAT,
    PIECE,
    STATE,
    Topic,
    parse_topic,
    topic_name,
)
from contract.updates import Desired, Fetch, Piece
from contract.wire import decode, encode
from edge_agent.mqtt.client import Callbacks, LinkError, connect, make_client
from edge_agent.mqtt.prompt import Prompt
from edge_agent.mqtt.questions import Questions
from edge_agent.mqtt.window import Window, back_off_s
from edge_agent.outbox import Outbox, Reader
from edge_agent.settings import BrokerSettings

_ANSWER_S: Final = 4.0
_DECLARE_EVERY_S: Final = 2.0
_STEADY_S: Final = 5.0
"""A connection that held this long starts the back-off anew."""
_ROWS_AT_ONCE: Final = 50

_log = logging.getLogger("edge_agent.mqtt")


class Link:
    """One thread that connects and sends; paho's own thread only notes what it hears.

    No lock is held while something is published, because paho holds locks of its own in its callbacks.
    """

    def __init__(
        self,
        settings: BrokerSettings,
        node: str,
        outbox: Outbox,
        *,
        resend_after_s: float,
        birth: Callable[[], Birth],
        on_command: Callable[[Command], None],
        on_desired: Callable[[Desired], None] | None = None,
        receives: Mapping[Topic, Callable[[Record], None]] = MappingProxyType({}),
    ) -> None:
        """Without ``on_desired`` nothing about updates is subscribed to; what ``receives`` names is, too."""
        self._settings, self._node, self._outbox = settings, node, outbox
        self._birth, self._on_command, self._on_desired = birth, on_command, on_desired
        self._receives = receives
        self._questions = Questions()
        self._prompt = Prompt()
        self._protocol = "5" if settings.protocol == "auto" else settings.protocol
        self._reader = Reader(outbox)
        self._window = Window(resend_after_s)
        self._wake = threading.Condition()
        self._accepted = self._stopping = self._announce = False
        self._fresh = True
        self._ended: str | None = None
        self._client: Client | None = None
        self._last: MQTTMessageInfo | None = None
        self.problem = ""
        """Why nothing is sent now, if nothing is."""
        outbox.on_commit = self._notify
        self._thread = threading.Thread(target=self._run, name="mqtt", daemon=True)

    @property
    def connected(self) -> bool:
        """Whether the broker has accepted us and has not gone."""
        return self._accepted and self._ended is None

    def start(self) -> None:
        """Begin to connect; a broker that is absent is waited for."""
        self._thread.start()

    def stop(self, timeout_s: float = 0.8) -> None:
        """Say that the node goes offline, and disconnect."""
        with self._wake:
            self._stopping = True
            self._wake.notify_all()
        self._thread.join(timeout_s)

    def heartbeat(self, heartbeat: Heartbeat) -> None:
        """Send it if there is a connection; a late heartbeat is of no use."""
        self.tell(HEARTBEAT, heartbeat)

    def tell(self, topic: Topic, record: Record) -> None:
        """Send it if there is a connection; nobody waits for it otherwise."""
        client = self._client
        if client is not None and self.connected:
            self._publish(client, topic, encode(topic, record))

    def send_sound(self, topic: Topic, packet: SoundPacket) -> bool:
        """Send it now or never; whether it was. On a line that is too slow it would come too late."""
        client, prompt = self._client, self._prompt
        if client is None or not self.connected or not prompt.room:
            return False
        return prompt.sent(self._publish(client, topic, encode(topic, packet)))

    def ask(self, fetch: Fetch, timeout_s: float) -> Piece:
        """The aggregator's answer; ``TimeoutError`` if none comes in time. Not for the link's threads."""
        client = self._client
        with self._questions.asked(fetch.id) as answer:
            if client is not None and self.connected:
                self._publish(client, FETCH, encode(FETCH, fetch))
            return answer.wait(timeout_s)

    def announce(self) -> None:
        """Send the birth again, for something in it has changed."""
        with self._wake:
            self._announce = True
            self._wake.notify_all()

    def reconnect(self) -> None:
        """Begin a new connection: the certificate is another one now."""
        self._on_ended("a new certificate is to be shown")

    def _notify(self) -> None:
        with self._wake:
            self._fresh = True
            self._wake.notify_all()

    def _run(self) -> None:
        failures = 0
        while not self._stopping:
            begun_s = time.monotonic()
            try:
                self._session()
            except LinkError as error:
                self._trouble(str(error))
            except Exception as error:  # the thread must live, whatever a library raises
                self._trouble(f"{type(error).__name__}: {error}")
            steady = self._accepted and time.monotonic() - begun_s > _STEADY_S
            failures = 0 if steady else failures + 1
            with self._wake:
                # Spreading attempts is no secret.
                pause_s = back_off_s(failures - 1 if failures else 0, random.random())  # noqa: S311
                self._wake.wait_for(lambda: self._stopping, timeout=pause_s)
        self._reader.close()

    def _session(self) -> None:
        """One connection, from its beginning to its end."""
        self._accepted, self._ended, self._fresh = False, None, True
        self._window.clear()
        self._prompt = Prompt()
        self._reader.rewind()
        will = encode(STATE, State(boot=self._outbox.boot, online=False))
        client = make_client(
            self._settings, f"soundpost-{self._node}", self._protocol, (self._name(STATE), will),
            Callbacks(self._on_accepted, self._on_ended, self._on_ended, self._on_message),
        )  # fmt: skip
        connect(client, self._settings, self._protocol)
        client.loop_start()
        try:
            self._await_answer()
            self._client = client
            self._greet(client)
            self._drain(client)
            self._farewell(client)
        finally:
            self._client = None
            client.disconnect()
            client.loop_stop()
        if not self._stopping:
            raise LinkError(f"connection lost: {self._ended}")

    def _await_answer(self) -> None:
        with self._wake:
            self._wake.wait_for(lambda: self._accepted or self._ended is not None, timeout=_ANSWER_S)
        if self.connected:
            return
        if self._settings.protocol == "auto":
            # A broker that knows only 3.1.1 refuses, or just hangs up.
            self._protocol = "3.1.1" if self._protocol == "5" else "5"
        raise LinkError(f"the broker refuses: {self._ended or 'no answer'}")

    def _greet(self, client: Client) -> None:
        _log.info("connected", extra={"broker": self._settings.host, "protocol": self._protocol})
        self.problem = ""
        of_updates = (DESIRED, PIECE) if self._on_desired is not None else ()
        heard = (ACKNOWLEDGEMENT, COMMAND, *of_updates, *self._receives)
        client.subscribe([(self._name(topic), topic.qos) for topic in heard])
        self._send(client, STATE, State(boot=self._outbox.boot, online=True))
        self._send(client, BIRTH, self._birth())
        self._outbox.declare()

    def _farewell(self, client: Client) -> None:
        if self._ended is None:
            said = self._send(client, STATE, State(boot=self._outbox.boot, online=False))
            said.wait_for_publish(0.4)

    def _drain(self, client: Client) -> None:
        declared_s = time.monotonic()
        while not self._stopping and self._ended is None:
            now_s = time.monotonic()
            if self._announce:
                self._announce = False
                self._send(client, BIRTH, self._birth())
            if now_s - declared_s > _DECLARE_EVERY_S and self._outbox.counters.dropped:
                declared_s = now_s
                self._outbox.declare()
            if self._window.stalled(now_s):
                self._send_again()
            self._fresh = False
            if not self._send_rows(client):
                with self._wake:
                    self._wake.wait_for(self._has_news, timeout=0.5)

    def _has_news(self) -> bool:
        return self._fresh or self._stopping or self._announce or self._ended is not None

    def _send_again(self) -> None:
        if self._last is not None and not self._last.is_published():
            raise LinkError("the broker accepts nothing any more")
        _log.info("sending again what is not acknowledged", extra={"messages": len(self._window)})
        self._outbox.stalled()
        self._window.clear()
        self._reader.rewind()

    def _send_rows(self, client: Client) -> bool:
        """Whether there was something to send."""
        rows = self._reader.next(min(self._window.room, _ROWS_AT_ONCE)) if self._window.room > 0 else []
        for row in rows:
            with self._wake:
                self._window.sent(row.boot, row.sequence, len(row.content), time.monotonic())
            self._outbox.sent_id = max(self._outbox.sent_id, row.id)
            self._last = self._publish(client, BY_KIND[row.kind], row.content)
        return bool(rows)

    def _send(self, client: Client, topic: Topic, record: Record) -> MQTTMessageInfo:
        return self._publish(client, topic, encode(topic, record))

    def _publish(self, client: Client, topic: Topic, content: bytes) -> MQTTMessageInfo:
        info = client.publish(self._name(topic), content, qos=topic.qos, retain=topic.retain)
        if info.rc == MQTTErrorCode.MQTT_ERR_QUEUE_SIZE:
            raise LinkError("the broker takes messages too slowly")
        return info

    def _name(self, topic: Topic) -> str:
        return topic_name(self._settings.namespace, self._node, topic)

    def _trouble(self, problem: str) -> None:
        if self._stopping:
            return
        if problem != self.problem:
            _log.warning("not connected", extra={"error": problem})
        self.problem = f"broker: {problem}"[:300]

    # Called in paho's thread.

    def _on_accepted(self) -> None:
        with self._wake:
            self._accepted = True
            self._wake.notify_all()

    def _on_ended(self, reason: str) -> None:
        with self._wake:
            self._ended = self._ended or reason
            self._wake.notify_all()

    def _on_message(self, name: str, content: bytes) -> None:
        try:
            _, topic = parse_topic(self._settings.namespace, name)
            record = decode(topic, content)
        except ContractError as error:
            _log.warning("message not understood", extra={"topic": name[:200], "error": str(error)[:300]})
            return
        if isinstance(record, Acknowledgement):
            self._outbox.acknowledge(record.boot, record.through, record.refused)
            with self._wake:
                self._window.acknowledged(record.boot, record.through, record.refused, time.monotonic())
                self._fresh = True
                self._wake.notify_all()
        elif isinstance(record, Command):
            self._on_command(record)
        elif isinstance(record, Piece):
            self._questions.answer(record)
        elif isinstance(record, Desired) and self._on_desired is not None:
            self._on_desired(record)
        elif topic in self._receives:
            self._receives[topic](record)
