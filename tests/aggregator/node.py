"""A node on a real broker: it sends, keeps what is not acknowledged, and sends that again."""

import threading
import time
from types import TracebackType
from typing import Any, Self

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion

from contract import topics, wire
from contract.commands import Acknowledgement, Command
from contract.record import Record
from tests.aggregator.messages import KINDS, NAMESPACE, detection


class Node:
    """Connected while the ``with`` block lasts."""

    def __init__(self, port: int, name: str = "attic") -> None:
        self.name = name
        self.through = 0
        self.refused: tuple[int, ...] = ()
        self.commands: list[Command] = []
        self._port = port
        self._client = paho.Client(CallbackAPIVersion.VERSION2, protocol=paho.MQTTv5)
        self._client.max_inflight_messages_set(2000)
        self._client.on_message = self._on_message
        self._subscribed = threading.Event()
        self._client.on_connect = self._on_connect
        self._client.on_subscribe = lambda *_: self._subscribed.set()

    def __enter__(self) -> Self:
        self._client.connect("127.0.0.1", self._port)
        self._client.loop_start()
        assert self._subscribed.wait(10)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def send(self, *records: Record) -> None:
        for record in records:
            topic = KINDS[type(record)]
            self.publish(topic.kind, wire.encode(topic, record), qos=topic.qos, retain=topic.retain)

    def publish(self, kind: str, payload: bytes, *, qos: int = 1, retain: bool = False) -> None:
        self._client.publish(f"{NAMESPACE}/v1/{self.name}/{kind}", payload, qos=qos, retain=retain)

    def send_until_acknowledged(self, last: int) -> None:
        """Detections 1 … ``last``, again and again from the first that is not acknowledged."""
        deadline = time.monotonic() + 60
        while self.through < last:
            assert time.monotonic() < deadline, f"acknowledged only through {self.through}"
            first = self.through + 1
            self.send(*(detection(sequence) for sequence in range(first, last + 1)))
            pause = time.monotonic() + 3
            while self.through < last and time.monotonic() < pause:
                time.sleep(0.02)

    def _on_connect(self, client: paho.Client, *_: Any) -> None:
        prefix = f"{NAMESPACE}/v1/{self.name}"
        client.subscribe([(f"{prefix}/{topics.ACKNOWLEDGEMENT.kind}", 1), (f"{prefix}/command", 1)])

    def _on_message(self, _client: Any, _userdata: Any, message: paho.MQTTMessage) -> None:
        if message.topic.endswith("/command"):
            self.commands.append(wire.decode_as(Command, topics.COMMAND, message.payload))
            return
        told = wire.decode_as(Acknowledgement, topics.ACKNOWLEDGEMENT, message.payload)
        self.through, self.refused = max(self.through, told.through), told.refused
