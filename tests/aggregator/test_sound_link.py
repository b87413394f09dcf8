"""The dashboard's own connection: orders reach a node through a real broker, and its packets come back."""

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import paho.mqtt.client as paho
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from aggregator.domain.listening import Quality
from aggregator.mqtt.sound_link import SoundLink
from aggregator.services.live_streams import Ear, LiveStreams
from aggregator.settings import Broker, Settings
from contract import topics, wire
from contract.live import SoundPacket
from tests.aggregator.test_live_sound import noise, packets
from tests.broker import Mosquitto
from tests.waiting import wait_until

QUALITY = Quality(codec="15k", packet_ms=20)


class FakeNode:
    """Answers each order to listen with a second of noise."""

    def __init__(self, port: int) -> None:
        self.orders: list[dict[str, Any]] = []
        self.client = paho.Client(CallbackAPIVersion.VERSION2, "attic", protocol=paho.MQTTv5)
        self.client.on_message = self._obey
        self.client.connect("127.0.0.1", port)
        self.client.subscribe("soundpost/v1/attic/command", 1)
        self.client.loop_start()

    def _obey(self, _client: paho.Client, _data: Any, message: paho.MQTTMessage) -> None:
        listen = json.loads(message.payload)["listen"]
        self.orders.append(listen)
        if listen["lease_s"]:
            for packet in packets(noise(1.0)):
                self.send(replace(packet, session=listen["session"]))

    def send(self, packet: SoundPacket) -> None:
        self.publish(wire.encode(topics.LIVE, packet))

    def publish(self, content: bytes) -> None:
        self.client.publish("soundpost/v1/attic/live", content)

    def stop(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()


@pytest.fixture
def node(broker: Mosquitto) -> Iterator[FakeNode]:
    made = FakeNode(broker.port)
    yield made
    made.stop()


@pytest.fixture
def streams(broker: Mosquitto) -> Iterator[LiveStreams]:
    made = LiveStreams(SoundLink(Settings(broker=Broker(port=broker.port))))
    yield made
    made.close()


def heard(ear: Ear) -> bool:
    return ear.next(0.05) is not None


def test_live_streaming_through_a_broker(node: FakeNode, streams: LiveStreams) -> None:
    with streams.join("attic", QUALITY) as ear:
        wait_until(lambda: heard(ear), "sound")
    wait_until(lambda: len(node.orders) >= 2, "the end of the lease")
    assert [order["lease_s"] > 0 for order in node.orders] == [True, False]
    with streams.join("attic", QUALITY) as ear:
        wait_until(lambda: heard(ear), "sound of the next listener")
    assert node.orders[-1]["session"] != node.orders[0]["session"] or len(node.orders) > 2


def test_what_is_no_packet_disturbs_nobody(node: FakeNode, streams: LiveStreams) -> None:
    with streams.join("attic", QUALITY) as ear:
        wait_until(lambda: heard(ear), "sound")
        for content in (b"", b"\x1f" * 40, b"\x10" + bytes(12), bytes(3000)):
            node.publish(content)
        session = node.orders[0]["session"]
        for packet in packets(noise(0.5), begun_s=2000.0):
            node.send(replace(packet, session=session))
        wait_until(lambda: heard(ear), "sound behind it")


def test_listening_survives_the_brokers_restart(
    node: FakeNode, streams: LiveStreams, broker: Mosquitto
) -> None:
    with streams.join("attic", QUALITY) as ear:
        wait_until(lambda: heard(ear), "sound")
        broker.stop()
        broker.start()
        before = len(node.orders)
        wait_until(node.client.is_connected, "the node to come back")
        node.client.subscribe("soundpost/v1/attic/command", 1)
        wait_until(lambda: len(node.orders) > before, "the lease to be renewed")
        wait_until(lambda: heard(ear), "sound again")
