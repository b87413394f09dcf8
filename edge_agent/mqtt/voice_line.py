"""A connection of its own for somebody who talks: calls and sound go out, turns come in."""

import queue
import threading
from types import TracebackType
from typing import Final, Self

from paho.mqtt.client import Client, MQTTMessageInfo

from contract.errors import ContractError
from contract.live import SoundPacket
from contract.record import Record
from contract.topics import CALL, TURN, VOICE, Topic, parse_topic, topic_name
from contract.voice import Call, Turn
from contract.wire import decode, encode
from edge_agent.mqtt.client import Callbacks, LinkError, connect, make_client
from edge_agent.mqtt.prompt import Prompt
from edge_agent.settings import BrokerSettings

_ANSWER_S: Final = 5.0


class VoiceLine:
    """Beside an agent that may be running: another client, of the same name and password.

    A context manager: connected within, ``LinkError`` on entering says why not.
    """

    def __init__(self, settings: BrokerSettings, node: str) -> None:
        self._settings, self._node = settings, node
        self._prompt = Prompt()
        self._turns: queue.SimpleQueue[Turn | LinkError] = queue.SimpleQueue()
        self._client: Client | None = None
        self._answered, self._subscribed = threading.Event(), threading.Event()
        self._refusal = ""

    def __enter__(self) -> Self:
        last = LinkError("not tried")
        protocol = self._settings.protocol
        for version in ("5", "3.1.1") if protocol == "auto" else (protocol,):
            try:
                self._connect(version)
            except LinkError as error:
                self._close()
                last = error
            else:
                return self
        raise last

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._close()

    def call(self, call: Call) -> None:
        """Ask for a turn, or end one."""
        self._publish(CALL, call)

    def say(self, packet: SoundPacket) -> bool:
        """Send it now or never; whether it was."""
        if not self._prompt.room:
            return False
        return self._prompt.sent(self._publish(VOICE, packet))

    def next(self, timeout_s: float = 0.0) -> Turn | None:
        """What the aggregator says next; ``None`` if nothing in time, ``LinkError`` if the line broke."""
        try:
            said = self._turns.get(timeout=timeout_s) if timeout_s else self._turns.get_nowait()
        except queue.Empty:
            return None
        if isinstance(said, LinkError):
            raise said
        return said

    def _connect(self, version: str) -> None:
        self._answered.clear()
        self._refusal = ""
        callbacks = Callbacks(self._answered.set, self._fail, self._fail, self._hear)
        client = self._client = make_client(
            self._settings, f"soundpost-{self._node}-talk", version, None, callbacks
        )
        client.on_subscribe = lambda *_: self._subscribed.set()
        connect(client, self._settings, version, session_s=0)
        client.loop_start()
        if not self._answered.wait(_ANSWER_S) or self._refusal:
            raise LinkError(f"the broker refuses: {self._refusal or 'no answer'}")
        client.subscribe(self._name(TURN), TURN.qos)
        if not self._subscribed.wait(_ANSWER_S):
            raise LinkError("the broker does not answer")

    def _close(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            client.disconnect()
            client.loop_stop()

    def _publish(self, topic: Topic, record: Record) -> MQTTMessageInfo:
        if self._client is None:
            raise LinkError("not connected")
        return self._client.publish(self._name(topic), encode(topic, record), qos=topic.qos)

    def _name(self, topic: Topic) -> str:
        return topic_name(self._settings.namespace, self._node, topic)

    # Called in paho's thread.

    def _fail(self, reason: str) -> None:
        self._refusal = reason
        self._answered.set()
        self._turns.put(LinkError(f"connection lost: {reason}"))

    def _hear(self, name: str, content: bytes) -> None:
        try:
            _, topic = parse_topic(self._settings.namespace, name)
            record = decode(topic, content)
        except ContractError:
            return
        if isinstance(record, Turn):
            self._turns.put(record)
