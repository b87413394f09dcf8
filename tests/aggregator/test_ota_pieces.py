"""Metadata and bundles in pieces over MQTT, beside an ingest that goes first."""

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self

import paho.mqtt.client as paho
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from aggregator import bootstrap
from aggregator.mqtt import subscriber as subscriber_module
from aggregator.mqtt.pieces import MOST_PER_TURN, MOST_WAITING, Pieces
from aggregator.mqtt.subscriber import Subscriber
from aggregator.services.bandwidth import Bandwidth
from aggregator.services.commands import CommandService
from aggregator.services.inbox import Incoming
from aggregator.services.ingest import IngestService
from aggregator.services.ota_delivery import OtaDelivery
from aggregator.services.retention import RetentionService
from aggregator.services.sampling import SamplingService
from aggregator.services.statistics import StatisticsService
from aggregator.settings import load
from aggregator.store.database import Database
from contract import topics, wire
from contract.updates import PIECE_BYTES, Fetch, Piece
from tests.aggregator.messages import NAMESPACE, detection
from tests.aggregator.node import Node
from tests.aggregator.ota_world import NODE, OtaWorld, bundle
from tests.broker import Mosquitto
from tests.waiting import wait_until

pytestmark = pytest.mark.usefixtures("cheap_keys")
ID = "0123456789abcdef"


@pytest.fixture
def made(tmp_path: Path) -> OtaWorld:
    return OtaWorld(tmp_path)


def delivery(made: OtaWorld, bandwidth: Bandwidth | None = None) -> OtaDelivery:
    return OtaDelivery(made.repository, made.wishes, bandwidth or Bandwidth())


def ask(path: str, offset: int = 0, length: int = PIECE_BYTES) -> Fetch:
    return Fetch(id=ID, path=path, offset=offset, length=length)


def target_path(made: OtaWorld) -> str:
    return f"targets/{made.repository.published()[0].file_name}"


def test_pieces_make_the_whole(made: OtaWorld) -> None:
    made.publish("1.0.0")
    content = bundle("1.0.0")
    got = b""
    while len(got) < len(content):
        piece = delivery(made).piece(NODE, ask(target_path(made), len(got), 100_000))
        assert (piece.id, piece.status, piece.total) == (ID, 206, len(content))
        got += piece.content
    assert got == content
    end = delivery(made).piece(NODE, ask(target_path(made), len(content)))
    assert (end.status, end.content) == (206, b"")
    stamp = delivery(made).piece(NODE, ask("metadata/timestamp.json"))
    assert stamp.content == made.metadata("timestamp.json")


@pytest.mark.parametrize(
    ("node", "path", "offset", "status"),
    [
        (NODE, "metadata/9.root.json", 0, 404),
        (NODE, "metadata/../token.secret", 0, 404),
        (NODE, "lock", 0, 404),
        (NODE, "targets/../../token.secret", 0, 404),
        (NODE, f"targets/{'ab' * 32}.x.bundle", 0, 404),
        (NODE, "metadata/timestamp.json", 1_000_000, 416),
        ("hall", "the target", 0, 403),
        (NODE, "the target", 100_000_000, 416),
    ],
)
def test_what_cannot_be_given_is_said(made: OtaWorld, node: str, path: str, offset: int, status: int) -> None:
    made.publish("1.0.0")
    wanted = target_path(made) if path == "the target" else path
    piece = delivery(made).piece(node, ask(wanted, offset))
    assert (piece.status, piece.content) == (status, b"")


def test_over_the_limit_a_node_is_told_to_ask_later(made: OtaWorld) -> None:
    made.publish("1.0.0")
    now_s = 0.0
    bandwidth = Bandwidth(node_bytes_per_s=100_000, clock=lambda: now_s)
    given = delivery(made, bandwidth)
    assert given.piece(NODE, ask(target_path(made))).status == 206
    assert given.piece(NODE, ask(target_path(made), 262_144)).status == 429
    now_s = 1.0  # the first piece was 2.6 seconds' worth, of which one was free
    assert given.piece(NODE, ask(target_path(made), 262_144)).status == 429
    now_s = 1.7
    assert given.piece(NODE, ask(target_path(made), 262_144)).status == 206


def incoming(asked: Fetch, *, retained: bool = False, node: str = NODE) -> Incoming:
    name = topics.topic_name(NAMESPACE, node, topics.FETCH)
    return Incoming(
        topic=name, payload=wire.encode(topics.FETCH, asked), retained=retained, received_s=1.0
    )  # fmt: skip


def test_a_flood_of_questions_is_answered_a_few_at_a_time(made: OtaWorld) -> None:
    pieces = Pieces(NAMESPACE, delivery(made))
    for _ in range(MOST_WAITING + 50):
        assert pieces.take(incoming(ask("metadata/timestamp.json")))
    sent: list[str] = []

    def publish(topic: str, _content: bytes) -> bool:
        sent.append(topic)
        return True

    pieces.answer(publish)
    assert sent == [f"{NAMESPACE}/v1/{NODE}/piece"] * MOST_PER_TURN
    while pieces.wait:
        pieces.answer(publish)
    assert len(sent) == MOST_WAITING


def test_only_questions_are_taken(made: OtaWorld) -> None:
    pieces = Pieces(NAMESPACE, delivery(made))
    question = incoming(ask("metadata/timestamp.json"))
    assert not pieces.take(Incoming(topic=question.topic, payload=b"{}", retained=False, received_s=1.0))
    assert not pieces.take(Incoming(topic="x/y", payload=question.payload, retained=False, received_s=1.0))
    heard = f"{NAMESPACE}/v1/{NODE}/detection"
    assert not pieces.take(Incoming(topic=heard, payload=question.payload, retained=False, received_s=1.0))
    assert pieces.take(incoming(ask("metadata/timestamp.json"), retained=True))
    assert not pieces.wait, "a retained question is taken, and not answered"


class Asking:
    """A node that asks for pieces."""

    def __init__(self, port: int) -> None:
        self.pieces: list[Piece] = []
        self._client = paho.Client(CallbackAPIVersion.VERSION2, protocol=paho.MQTTv5)
        self._client.on_message = lambda _c, _u, message: self.pieces.append(
            wire.decode_as(Piece, topics.PIECE, message.payload)
        )
        subscribed = threading.Event()
        self._client.on_subscribe = lambda *_: subscribed.set()
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()
        self._client.subscribe(f"{NAMESPACE}/v1/{NODE}/piece", 1)
        assert subscribed.wait(20)

    def ask(self, asked: Fetch) -> Piece:
        count = len(self.pieces)
        self._client.publish(incoming(asked).topic, wire.encode(topics.FETCH, asked), qos=1)
        wait_until(lambda: len(self.pieces) > count, "the piece comes")
        return self.pieces[-1]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: Any) -> None:
        self._client.disconnect()
        self._client.loop_stop()


@pytest.fixture
def running(
    broker: Mosquitto, database: Database, made: OtaWorld, monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    """The ingest loop, with a real broker and a real store."""
    ready, stop = threading.Event(), threading.Event()
    monkeypatch.setattr(subscriber_module, "tell_ready", ready.set)
    settings = load(None, {}, {"broker.port": str(broker.port)})
    commands = CommandService(database)
    subscriber = Subscriber(
        settings, IngestService(database, NAMESPACE), commands, SamplingService(database, commands),
        RetentionService(database, settings.retention), delivery(made),
        bootstrap.desired(settings, database),
    )  # fmt: skip
    thread = threading.Thread(target=subscriber.run, args=(stop.is_set,))
    thread.start()
    assert ready.wait(20)
    yield
    stop.set()
    thread.join(20)
    assert not thread.is_alive()


@pytest.mark.usefixtures("running")
def test_a_bundle_comes_through_the_broker_while_detections_do(
    broker: Mosquitto, database: Database, made: OtaWorld
) -> None:
    made.publish("1.0.0")
    with Asking(broker.port) as asking, Node(broker.port) as node:
        stamp = asking.ask(ask("metadata/timestamp.json"))
        assert stamp.content == made.metadata("timestamp.json")
        got = b""
        while len(got) < len(bundle("1.0.0")):
            node.send(detection(1))
            got += asking.ask(ask(target_path(made), len(got))).content
        assert got == bundle("1.0.0")
        node.send(detection(2))
        wait_until(lambda: node.through == 2, "detections are acknowledged all the while")
    told = StatisticsService(database).summary()
    assert (told.stored, told.quarantined) == (2, 0)
