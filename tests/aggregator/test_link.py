"""The connection: which version of MQTT it speaks, and what it does when it is refused."""

import logging
import socket
import threading
from collections.abc import Callable, Iterator

import pytest

from aggregator.mqtt import link as link_module
from aggregator.mqtt.link import Link
from aggregator.settings import load
from tests.broker import Mosquitto, free_port
from tests.waiting import wait_until


class OldBroker:
    """Welcomes MQTT 3.1.1 and hangs up on anything else."""

    def __init__(self) -> None:
        self.greetings: list[int] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            try:
                line, _ = self._listener.accept()
            except OSError:
                return
            with line:
                greeting = line.recv(200)
                if len(greeting) < 9:
                    continue
                version = greeting[8]
                self.greetings.append(version)
                if version == 4:
                    line.sendall(b"\x20\x02\x00\x00")
                    line.recv(200)

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(10)


@pytest.fixture
def old_broker() -> Iterator[OldBroker]:
    made = OldBroker()
    yield made
    made.close()


@pytest.fixture(autouse=True)
def _short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(link_module, "SHORTEST_WAIT_S", 0.01)
    monkeypatch.setattr(link_module, "LONGEST_WAIT_S", 0.02)


def make(port: int, on_ready: Callable[[], None] = lambda: None, **broker: str) -> Link:
    flags = {"broker.port": str(port)} | {f"broker.{key}": value for key, value in broker.items()}
    return Link(
        load(None, {}, flags),
        filters=["soundpost/v1/+/birth"],
        receive_maximum=1000,
        on_message=lambda _message: None,
        on_ready=on_ready,
    )


def turn_until(link: Link, true: Callable[[], bool], what: str) -> None:
    def step() -> bool:
        link.turn(0.02)
        return true()

    wait_until(step, what)


def test_an_old_broker_is_spoken_to_in_its_own_version(old_broker: OldBroker) -> None:
    link = make(old_broker.port)
    turn_until(link, lambda: link.connected, "welcome")
    assert old_broker.greetings == [5, 5, 4]
    assert not link.version_5
    link.close()


def test_a_version_that_was_chosen_is_kept(old_broker: OldBroker) -> None:
    link = make(old_broker.port, protocol="5")
    turn_until(link, lambda: len(old_broker.greetings) >= 4, "four attempts")
    assert set(old_broker.greetings) == {5}
    link.close()


def test_a_broker_that_was_away_is_not_taken_for_an_old_one(broker: Mosquitto) -> None:
    broker.stop()
    link = make(broker.port)
    for _ in range(50):
        link.turn(0.01)
    broker.start()
    ready = threading.Event()
    link._on_ready = ready.set
    turn_until(link, ready.is_set, "subscribed")
    assert link.version_5
    link.close()


def test_what_belongs_to_an_earlier_connection_is_void(broker: Mosquitto) -> None:
    link = make(broker.port)
    turn_until(link, lambda: link.connected, "welcome")
    before = link.generation
    link.drop("a test")
    assert not link.connected
    assert link.generation > before
    assert not link.publish("soundpost/v1/x/ack", b"", qos=1, expiry_s=1)
    turn_until(link, lambda: link.connected, "welcome again")
    link.acknowledge(1, before)
    link.close()


def test_no_broker_is_said_and_tried_again(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    link = make(free_port())
    turn_until(link, lambda: caplog.text.count("no connection to the broker") >= 3, "three attempts")
    link.close()
