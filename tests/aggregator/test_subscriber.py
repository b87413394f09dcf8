"""The ingest loop while the store is away: nothing is acknowledged, nothing is lost, memory is bounded."""

import threading
from collections.abc import Sequence
from typing import Any, Self

import pytest

from aggregator import bootstrap
from aggregator.errors import StoreError
from aggregator.mqtt import subscriber as subscriber_module
from aggregator.mqtt.subscriber import Subscriber
from aggregator.services.commands import CommandService
from aggregator.services.inbox import Incoming
from aggregator.services.ingest import IngestService, Outcome
from aggregator.services.retention import RetentionService
from aggregator.services.sampling import SamplingService
from aggregator.services.statistics import StatisticsService
from aggregator.settings import load
from aggregator.store.database import Database
from tests.aggregator.messages import NAMESPACE, detection, features
from tests.aggregator.node import Node
from tests.broker import Mosquitto
from tests.waiting import wait_until


class AwayStore(IngestService):
    """Refuses until it is told to work."""

    def __init__(self, database: Database) -> None:
        super().__init__(database, NAMESPACE)
        self.works = threading.Event()
        self.refusals = 0

    def store(self, batch: Sequence[Incoming]) -> Outcome:
        if not self.works.is_set():
            self.refusals += 1
            raise StoreError("database or disk is full")
        return super().store(batch)


class Running:
    """A subscriber in a thread, while the ``with`` block lasts."""

    def __init__(self, broker: Mosquitto, database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
        self._ready = threading.Event()
        monkeypatch.setattr(subscriber_module, "tell_ready", self._ready.set)
        monkeypatch.setattr(subscriber_module, "LONGEST_RETRY_S", 0.3)
        self.store = AwayStore(database)
        settings = load(None, {}, {"broker.port": str(broker.port)})
        self._stop = threading.Event()
        commands = CommandService(database)
        subscriber = Subscriber(
            settings, self.store, commands, SamplingService(database, commands),
            RetentionService(database, settings.retention), bootstrap.ota_delivery(settings, database),
            bootstrap.desired(settings, database),
        )  # fmt: skip
        self._thread = threading.Thread(target=subscriber.run, args=(self._stop.is_set,))

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._ready.wait(20)
        return self

    def __exit__(self, *_: Any) -> None:
        self._stop.set()
        self._thread.join(20)
        assert not self._thread.is_alive()


def test_nothing_is_acknowledged_before_it_is_stored(
    broker: Mosquitto, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = Running(broker, database, monkeypatch)
    with run, Node(broker.port) as node:
        node.send(detection(1), features(2))
        wait_until(lambda: run.store.refusals >= 3, "it tries again and again")
        assert node.through == 0
        run.store.works.set()
        wait_until(lambda: node.through == 2, "both are acknowledged")
    assert StatisticsService(database).summary().stored == 2


def test_what_does_not_fit_into_memory_is_delivered_again(
    broker: Mosquitto, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(subscriber_module, "MOST_WAITING_BYTES", 20_000)
    run = Running(broker, database, monkeypatch)
    with run, Node(broker.port) as node:
        node.send(*(features(sequence, detection=None) for sequence in range(1, 21)))
        wait_until(lambda: run.store.refusals >= 2, "the store is away")
        run.store.works.set()
        wait_until(lambda: node.through == 20, "the broker delivers the rest again")
    told = StatisticsService(database)
    assert (told.summary().stored, told.stored_twice()) == (20, 0)
