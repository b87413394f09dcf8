"""An aggregator in memory: hears everything, stores it once, acknowledges what it has without a hole."""

import threading
from collections.abc import Callable
from typing import Any

from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion

from contract.commands import Acknowledgement, Command
from contract.messages import DurableMessage, Gap
from contract.record import Record
from contract.topics import ACKNOWLEDGEMENT, COMMAND, DESIRED, PIECE, parse_topic, topic_name
from contract.updates import Desired, Piece
from contract.wire import decode, encode


class Acknowledger:
    """Connects at once; ``answers`` may be switched off to see what a node does without acknowledgements."""

    def __init__(self, port: int) -> None:
        self.answers = True
        self.stored: dict[tuple[str, int], DurableMessage] = {}
        self.others: list[tuple[str, Record]] = []
        self.deliveries = 0
        self._lock = threading.Condition()
        self._client = Client(CallbackAPIVersion.VERSION2, "acknowledger", clean_session=False)
        self._client.on_connect = lambda client, *_: client.subscribe("soundpost/v1/+/#", 1)
        self._client.on_message = self._hear
        self._client.reconnect_delay_set(1, 1)
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def wait(self, done: Callable[[], bool], timeout_s: float = 15.0) -> None:
        with self._lock:
            assert self._lock.wait_for(done, timeout_s), self.summary()

    def summary(self) -> str:
        return f"{sorted(self.stored)} {[(kind, record) for kind, record in self.others][-6:]}"

    def kinds(self, kind: str) -> list[Any]:
        return [record for other, record in self.others if other == kind]

    def declared(self, boot: str) -> set[int]:
        """Sequences of ``boot`` that gaps declare."""
        gaps = [message for message in self.stored.values() if isinstance(message, Gap)]
        spans = [span for gap in gaps if gap.gap_boot == boot for span in gap.ranges]
        return {sequence for first, last in spans for sequence in range(first, last + 1)}

    def has(self, boot: str) -> set[int]:
        """Sequences of ``boot`` that are stored."""
        return {sequence for other, sequence in self.stored if other == boot}

    def restore(self, backed_up: Callable[[int], bool]) -> None:
        """Know only the sequences that are in the backup."""
        with self._lock:
            self.stored = {key: message for key, message in self.stored.items() if backed_up(key[1])}

    def command(self, node: str, command: Command) -> None:
        self._client.publish(topic_name("soundpost", node, COMMAND), encode(COMMAND, command), 1)

    def desire(self, node: str, desired: Desired) -> None:
        self._client.publish(topic_name("soundpost", node, DESIRED), encode(DESIRED, desired), 1, retain=True)

    def answer(self, node: str, piece: Piece) -> None:
        self._client.publish(topic_name("soundpost", node, PIECE), encode(PIECE, piece), 1)

    def _hear(self, client: Client, _data: Any, message: MQTTMessage) -> None:
        node, topic = parse_topic("soundpost", message.topic)
        if not topic.from_node:
            return
        record = decode(topic, message.payload)
        with self._lock:
            if isinstance(record, DurableMessage):
                self.deliveries += 1
                if self.answers:
                    self.stored[(record.boot, record.sequence)] = record
                    self._acknowledge(client, node, record.boot)
            else:
                self.others.append((topic.kind, record))
            self._lock.notify_all()

    def _acknowledge(self, client: Client, node: str, boot: str) -> None:
        known, through = self.has(boot) | self.declared(boot), 0
        while through + 1 in known:
            through += 1
        content = encode(ACKNOWLEDGEMENT, Acknowledgement(boot=boot, through=through))
        client.publish(topic_name("soundpost", node, ACKNOWLEDGEMENT), content, 1)
