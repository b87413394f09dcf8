"""Ingest as a process on a real broker, killed at the worst moments."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from aggregator.services.commands import CommandService
from aggregator.store.database import Database
from tests.aggregator.messages import birth, detection, features, heartbeat, state
from tests.aggregator.node import Node
from tests.aggregator.programs import Programs
from tests.broker import Mosquitto
from tests.waiting import wait_until

DYING_INGEST = """
import os, signal, sys
from aggregator.__main__ import main
from aggregator.services.ingest import IngestService

store, stored = IngestService.store, 0

def store_and_die(self, batch):
    global stored
    if {when!r} == "before" and stored:
        os.kill(os.getpid(), signal.SIGKILL)
    outcome = store(self, batch)
    stored += outcome.stored
    if {when!r} == "after" and stored:
        os.kill(os.getpid(), signal.SIGKILL)
    return outcome

IngestService.store = store_and_die
sys.exit(main())
"""


@pytest.fixture
def programs(tmp_path: Path, broker: Mosquitto) -> Iterator[Programs]:
    made = Programs(tmp_path, broker_port=broker.port, store_folder=tmp_path / "data")
    yield made
    made.end()


def connected(programs: Programs, times: int = 1) -> bool:
    log = programs.log("ingest")
    return log.exists() and log.read_text().count("listening to the nodes") >= times


@pytest.mark.parametrize("when", ["before", "after"])
def test_killed_around_the_commit_nothing_is_lost_or_doubled(
    programs: Programs, broker: Mosquitto, when: str
) -> None:
    dying = programs.start("ingest", script=DYING_INGEST.format(when=when))
    wait_until(lambda: connected(programs), "ingest connects")
    with Node(broker.port) as node:
        node.send(*(detection(sequence) for sequence in range(1, 31)))
        if when == "before":  # it dies with the second batch, so there must be one
            wait_until(lambda: node.through > 0 or dying.poll() is not None, "a first batch")
            node.send(detection(31))
        dying.wait(30)
        programs.start("ingest")
        node.send_until_acknowledged(40)
    told = programs.statistics()
    assert told["detections"] == 40
    assert told["stored_twice"] == 0
    assert told["quarantined"] == 0


@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
def test_a_batch_larger_than_the_brokers_window_does_not_stall(
    programs: Programs, broker: Mosquitto, protocol: str
) -> None:
    programs.start("ingest", f"--broker-protocol={protocol}", "--ingest-batch-size=500")
    wait_until(lambda: connected(programs), "ingest connects")
    with Node(broker.port) as node:
        node.send(*(detection(sequence) for sequence in range(1, 501)))
        wait_until(lambda: node.through == 500, "500 messages are acknowledged")


def test_what_was_sent_while_ingest_was_away_comes_when_it_is_back(
    programs: Programs, broker: Mosquitto
) -> None:
    first = programs.start("ingest")
    wait_until(lambda: connected(programs), "ingest connects")
    first.kill()
    first.wait()
    with Node(broker.port) as node:
        node.send(birth(), state(), detection(1), features(2))
        programs.start("ingest")
        wait_until(lambda: node.through == 2, "the broker kept what the node sent")


def test_a_broker_that_comes_late_and_falls_over(programs: Programs, broker: Mosquitto) -> None:
    broker.stop()
    programs.start("ingest")
    wait_until(lambda: "no connection" in _text(programs), "ingest finds no broker")
    broker.start()
    wait_until(lambda: connected(programs), "ingest connects")
    with Node(broker.port) as node:
        node.send_until_acknowledged(5)
        broker.kill()
        broker.start()
        wait_until(lambda: connected(programs, times=2), "ingest connects again")
        node.send_until_acknowledged(9)
    assert programs.statistics()["detections"] == 9


def test_bad_messages_do_not_stop_the_good_ones(programs: Programs, broker: Mosquitto) -> None:
    programs.start("ingest")
    wait_until(lambda: connected(programs), "ingest connects")
    unknown = json.dumps(detection(1).to_plain() | {"schema": 7}).encode()
    with Node(broker.port) as node:
        node.publish("detection", unknown)
        node.publish("detection", b"\xff" * 100)
        node.publish("features", b"\x00" * 3_000_000)
        node.publish("birth", b"{", retain=True)
        node.publish("heartbeat", b"[]", qos=0)
        node.send(heartbeat(), detection(2))
        wait_until(
            lambda: node.through == 2, "the good one is acknowledged, and the one that tells its number"
        )
    told = programs.statistics()
    assert (told["detections"], told["quarantined"], told["nodes"]) == (1, 5, 1)


def test_a_command_reaches_its_node(programs: Programs, broker: Mosquitto, tmp_path: Path) -> None:
    programs.start("ingest")
    wait_until(lambda: connected(programs), "ingest connects")
    with Node(broker.port) as node:
        node.send(birth(), detection(1))
        wait_until(lambda: node.through == 1, "the node is known")
        database = Database(f"sqlite:///{tmp_path / 'data' / 'soundpost.db'}")
        service = CommandService(database)
        asked = service.queue("attic", "set_publish", publish="all")
        wait_until(lambda: bool(node.commands), "the command comes")
        wait_until(lambda: service.recent("attic")[0].sent_s is not None, "and is marked as sent")
        database.close()
    assert [(command.id, command.publish) for command in node.commands] == [(asked.id, "all")]


def test_only_one_ingest_works_for_a_folder(programs: Programs) -> None:
    programs.start("ingest")
    wait_until(lambda: connected(programs), "ingest connects")
    second = programs.run("ingest")
    assert second.returncode == 1
    assert "another ingest" in second.stderr


def _text(programs: Programs) -> str:
    log = programs.log("ingest")
    return log.read_text() if log.exists() else ""
