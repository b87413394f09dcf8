"""What nodes should run, over a real broker: retained, newest, and sent again to a broker that forgot it."""

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import paho.mqtt.client as paho
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from aggregator import bootstrap
from aggregator.domain.rollouts.tally import Patience
from aggregator.domain.rollouts.words import read_wave
from aggregator.mqtt import subscriber as subscriber_module
from aggregator.services.rollout_engine import RolloutEngine
from aggregator.services.rollout_wish import Wish
from aggregator.services.rollouts import RolloutService
from aggregator.settings import load
from aggregator.store.database import Database
from contract import topics, wire
from contract.updates import Desired
from tests.aggregator.messages import NAMESPACE
from tests.aggregator.rolling import NEW, NEWER, Rolling, Shelf
from tests.aggregator.updating_fleet import Fate, UpdatingFleet
from tests.broker import Mosquitto
from tests.waiting import wait_until


class Listener:
    """Gathers what the broker has for every node."""

    def __init__(self, port: int) -> None:
        self.heard: dict[str, Desired] = {}
        self.retained: set[str] = set()
        self._client = paho.Client(CallbackAPIVersion.VERSION2, protocol=paho.MQTTv5)
        self._client.on_message = self._take
        self._client.on_connect = lambda client, *_: client.subscribe(f"{NAMESPACE}/v1/+/desired", 1)
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()

    def _take(self, _client: Any, _userdata: Any, message: paho.MQTTMessage) -> None:
        node, topic = topics.parse_topic(NAMESPACE, message.topic)
        self.heard[node] = wire.decode_as(Desired, topic, message.payload)
        if message.retain:
            self.retained.add(node)

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()


@pytest.fixture
def ingest(
    broker: Mosquitto, database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    """The real loop of ingest, until the test is over."""
    ready, stop = threading.Event(), threading.Event()
    monkeypatch.setattr(subscriber_module, "tell_ready", ready.set)
    settings = load(None, {}, {"broker.port": str(broker.port), "store.folder": str(tmp_path)})
    loop = bootstrap.subscriber(settings, database)
    thread = threading.Thread(target=loop.run, args=(stop.is_set,))
    thread.start()
    assert ready.wait(20)
    yield
    stop.set()
    thread.join(20)


def test_a_broker_that_forgot_what_it_retained_is_told_again(
    broker: Mosquitto, database: Database, ingest: None
) -> None:
    rolling = Rolling(database)
    rolling.nodes("attic", "barn")
    rolling.pins.pin("attic", "ada", release=NEW)
    rolling.pins.pin("barn", "ada", release=NEW)
    first = Listener(broker.port)
    wait_until(lambda: first.heard.keys() == {"attic", "barn"}, "both are told")
    rolling.pins.pin("attic", "ada", release=NEWER)
    wait_until(lambda: first.heard["attic"].release == NEWER, "what is newer follows")
    assert first.heard["attic"].serial > first.heard["barn"].serial
    first.close()
    broker.kill()
    for path in broker.folder.glob("mosquitto.db*"):
        path.unlink()
    broker.start()
    second = Listener(broker.port)
    wait_until(lambda: second.heard.keys() == {"attic", "barn"}, "both are told again")
    assert (second.heard["attic"].release, second.heard["barn"].release) == (NEWER, NEW)
    second.close()
    third = Listener(broker.port)
    wait_until(lambda: third.retained == {"attic", "barn"}, "it is retained for whoever comes later")
    third.close()


def test_a_fleet_follows_in_spite_of_lost_doubled_and_late_reports(
    broker: Mosquitto, database: Database, ingest: None
) -> None:
    shelf = Shelf()
    engine = RolloutEngine(database, shelf, Patience())
    rollouts = RolloutService(database, shelf)
    names = [f"node-{number}" for number in range(24)]
    fate = Fate(failing=0.1, lost=0.15, twice=0.15, late=0.15, phase_s=0.02, late_s=0.5, heartbeat_s=5.0)
    with UpdatingFleet(broker.port, names, seed=5, fate=fate) as fleet:
        failing = sum(node.fails for node in fleet.nodes.values())
        assert failing
        wait_until(lambda: len(_births(database)) == len(names), "all have come")
        waves = ("canary=3, errors=50%, success=50%", "all=100%, errors=50%, success=50%")
        wish = Wish(release=NEW, waves=tuple(read_wave(one) for one in waves), seed="seed")
        number = rollouts.create(wish, "ada").id

        def finished() -> bool:
            engine.step()
            return rollouts.get(number).state == "finished"

        wait_until(finished, "it finishes")
        counts = rollouts.get(number).counts
        assert (counts["succeeded"], counts["failed"]) == (len(names) - failing, failing)
        assert fleet.running[NEW] == len(names) - failing
        wait_until(lambda: fleet.settled, "every report is acknowledged")
        assert fleet.lost
        assert fleet.twice


def _births(database: Database) -> list[Any]:
    from sqlalchemy import text

    with database.read() as connection:
        return list(connection.execute(text("SELECT id FROM nodes WHERE birth IS NOT NULL")))
