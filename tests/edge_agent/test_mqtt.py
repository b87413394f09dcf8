"""The link, against a real broker that is absent, killed, and back."""

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.commands import Command
from contract.messages import Birth, Heartbeat
from contract.topics import DETECTION
from contract.updates import Desired, Fetch, Piece
from edge_agent.mqtt import Link, LinkError, probe
from edge_agent.mqtt.window import LIMIT_BYTES, LIMIT_MESSAGES, Window, back_off_s
from edge_agent.outbox import Outbox
from edge_agent.settings import BrokerSettings
from tests.broker import Mosquitto
from tests.edge_agent.acknowledger import Acknowledger
from tests.edge_agent.test_outbox import BOOT, NEXT, a_detection
from tests.waiting import wait_until


def a_birth(boot: str) -> Birth:
    return Birth(
        boot=boot, wall_s=1, monotonic_s=1, agent_version="1", model="m@1", bundle_digest="0" * 64,
        frontend_digest="0" * 64, labels=("yes",), thresholds=(0.5,), step_ms=80, publish="results",
        input="test", runtime="none", platform="test", started_s=1, clock_synced=True,
    )  # fmt: skip


def a_heartbeat() -> Heartbeat:
    return Heartbeat(
        boot=BOOT, wall_s=1, monotonic_s=1, levels_dbfs=(), peak_dbfs=-1, input_state="hearing", heard_s=1,
        overruns=0, cpu_percent=1, rss_bytes=1, temperature_c=None, disk_free_bytes=1, outbox_rows=0,
        outbox_bytes=0, last_sequence=0, dropped=0, clock_synced=True,
    )  # fmt: skip


class Node:
    """An outbox and its link, without the listening."""

    def __init__(self, folder: Path, port: int, boot: str = BOOT, **broker: Any) -> None:
        self.commands: list[Command] = []
        self.desired: list[Desired] = []
        self.outbox = Outbox(folder / "outbox.sqlite", boot, limit_bytes=10**7, commit_s=0.01)
        self.link = Link(
            BrokerSettings(host="127.0.0.1", port=port, **broker), "attic", self.outbox,
            resend_after_s=0.5, birth=lambda: a_birth(boot), on_command=self.commands.append,
            on_desired=self.desired.append,
        )  # fmt: skip
        self.outbox.start()
        self.link.start()

    def send(self, count: int) -> None:
        for _ in range(count):
            self.outbox.append(DETECTION, a_detection(self.outbox.boot))

    def close(self) -> None:
        self.link.stop(5)
        self.outbox.close()


@pytest.fixture
def make_node(tmp_path: Path) -> Iterator[Callable[..., Node]]:
    nodes: list[Node] = []

    def make(port: int, **more: Any) -> Node:
        nodes.append(Node(tmp_path, port, **more))
        return nodes[-1]

    yield make
    for node in nodes:
        node.close()


@pytest.fixture
def aggregator(broker: Mosquitto) -> Iterator[Acknowledger]:
    acknowledger = Acknowledger(broker.port)
    yield acknowledger
    acknowledger.close()


def delivered(node: Node) -> bool:
    return node.outbox.counters.rows == 0


@pytest.mark.parametrize("protocol", ["auto", "3.1.1"])
def test_a_node_announces_itself_delivers_and_says_goodbye(
    broker: Mosquitto, aggregator: Acknowledger, make_node: Callable[..., Node], protocol: str
) -> None:
    node = make_node(broker.port, protocol=protocol)
    node.send(300)
    wait_until(lambda: delivered(node), timeout_s=10)
    assert aggregator.has(BOOT) == set(range(1, 301))
    assert aggregator.deliveries == 300, "nothing is sent twice when all goes well"
    aggregator.wait(lambda: bool(aggregator.kinds("birth")))
    node.link.heartbeat(a_heartbeat())
    aggregator.wait(lambda: bool(aggregator.kinds("heartbeat")))
    node.link.stop(5)
    aggregator.wait(lambda: [state.online for state in aggregator.kinds("state")] == [True, False])


def test_what_is_not_acknowledged_is_sent_again(
    broker: Mosquitto, aggregator: Acknowledger, make_node: Callable[..., Node]
) -> None:
    aggregator.answers = False
    node = make_node(broker.port)
    node.send(250)
    aggregator.wait(lambda: aggregator.deliveries > 300)
    assert node.outbox.counters.rows == 250
    aggregator.answers = True
    wait_until(lambda: delivered(node), timeout_s=10)
    assert aggregator.has(BOOT) == set(range(1, 251))


def test_a_broker_that_is_absent_at_boot_and_killed_later_is_waited_for(
    broker: Mosquitto, aggregator: Acknowledger, make_node: Callable[..., Node]
) -> None:
    broker.kill()
    node = make_node(broker.port)
    node.send(5)
    wait_until(lambda: "refused" in node.link.problem, timeout_s=10)
    broker.start()
    wait_until(lambda: delivered(node), timeout_s=30)
    broker.kill()
    node.send(5)
    wait_until(lambda: not node.link.connected, timeout_s=10)
    broker.start()
    wait_until(lambda: delivered(node), timeout_s=30)
    assert aggregator.has(BOOT) == set(range(1, 11))
    assert node.link.problem == ""


def test_the_will_names_the_boot_that_has_died(
    broker: Mosquitto, aggregator: Acknowledger, make_node: Callable[..., Node]
) -> None:
    node = make_node(broker.port)
    wait_until(lambda: node.link.connected, timeout_s=10)
    aggregator.wait(lambda: bool(aggregator.kinds("state")))
    # Cut the wire without a word, as a power cut would.
    client = node.link._client
    assert client is not None
    sock = client.socket()
    assert sock is not None
    sock.shutdown(2)
    aggregator.wait(lambda: [state.online for state in aggregator.kinds("state")][:2] == [True, False])
    assert {state.boot for state in aggregator.kinds("state")} == {BOOT}
    aggregator.wait(lambda: aggregator.kinds("state")[-1].online)


def test_a_new_boot_delivers_what_an_earlier_one_left(
    broker: Mosquitto, aggregator: Acknowledger, make_node: Callable[..., Node]
) -> None:
    broker.kill()
    first = make_node(broker.port)
    first.send(20)
    wait_until(lambda: first.outbox.counters.last_sequence == 20, timeout_s=10)
    first.close()
    broker.start()
    second = make_node(broker.port, boot=NEXT)
    second.send(3)
    wait_until(lambda: delivered(second), timeout_s=20)
    assert aggregator.has(BOOT) == set(range(1, 21))
    assert aggregator.has(NEXT) == {1, 2, 3}


def test_with_an_aggregator_restored_from_a_backup_everything_drains(
    broker: Mosquitto, aggregator: Acknowledger, make_node: Callable[..., Node]
) -> None:
    node = make_node(broker.port)
    node.send(20)
    wait_until(lambda: delivered(node), timeout_s=10)
    aggregator.restore(lambda sequence: sequence <= 5)
    node.send(250)
    wait_until(lambda: delivered(node), timeout_s=30)
    assert aggregator.declared(BOOT) == set(range(6, 21))
    assert aggregator.has(BOOT) == {*range(1, 6), *range(21, 272)}


def test_commands_arrive_and_what_is_no_message_is_ignored(
    broker: Mosquitto, aggregator: Acknowledger, make_node: Callable[..., Node]
) -> None:
    node = make_node(broker.port)
    aggregator.wait(lambda: bool(aggregator.kinds("birth")))
    for content in (b"", b"\xff" * 50, b"{}", b"[1]", b'{"boot": NaN}'):
        for kind in ("ack", "command"):
            aggregator._client.publish(f"soundpost/v1/attic/{kind}", content, 1)
    command = Command(id="f" * 32, issued_s=1, expires_s=time.time() + 9, action="report")
    aggregator.command("attic", command)
    wait_until(lambda: node.commands == [command], timeout_s=10)
    node.send(1)
    wait_until(lambda: delivered(node), timeout_s=10)


def test_what_is_desired_arrives_also_when_it_was_said_before(
    broker: Mosquitto, aggregator: Acknowledger, make_node: Callable[..., Node]
) -> None:
    aggregator.desire("attic", Desired(serial=1, issued_s=1))
    node = make_node(broker.port)
    wait_until(lambda: [desired.serial for desired in node.desired] == [1])
    aggregator.desire("attic", Desired(serial=2, issued_s=1))
    wait_until(lambda: [desired.serial for desired in node.desired] == [1, 2])


def test_pieces_answer_the_question_that_they_belong_to(
    broker: Mosquitto, aggregator: Acknowledger, make_node: Callable[..., Node]
) -> None:
    node = make_node(broker.port)
    wait_until(lambda: node.link.connected)
    with pytest.raises(TimeoutError):
        node.link.ask(Fetch(id="0" * 16, path="metadata/x.json", offset=0, length=9), 0.05)
    pieces: list[Piece] = []
    question = Fetch(id="1" * 16, path="metadata/timestamp.json", offset=0, length=9)
    asking = threading.Thread(target=lambda: pieces.append(node.link.ask(question, 20)))
    asking.start()
    aggregator.wait(lambda: question in aggregator.kinds("fetch"))
    for number in (0, 7, 1):
        aggregator.answer("attic", Piece(id=f"{number}" * 16, total=9, content=b"%d" % number, status=206))
    asking.join(20)
    assert [piece.content for piece in pieces] == [b"1"]


def test_a_probe_tells_whether_the_broker_accepts(broker: Mosquitto) -> None:
    settings = BrokerSettings(host="127.0.0.1", port=broker.port)
    assert probe(settings, "attic") == "5"
    broker.kill()
    with pytest.raises(LinkError, match="refused"):
        probe(settings, "attic")


def test_the_window_is_bounded_in_messages_and_bytes() -> None:
    window = Window(10)
    for sequence in range(1, LIMIT_MESSAGES + 1):
        assert window.room > 0
        window.sent(BOOT, sequence, 10, 0)
    assert window.room == 0
    window.acknowledged(BOOT, 50, (60,), 0)
    assert window.room == 51
    window.clear()
    window.sent(BOOT, 1, LIMIT_BYTES, 0)
    assert window.room == 0


def test_waits_grow_while_nothing_is_acknowledged() -> None:
    window = Window(10)
    assert not window.stalled(1e9)
    window.sent(BOOT, 1, 1, now_s=0)
    assert [window.stalled(9), window.stalled(10)] == [False, True]
    window.clear()
    window.sent(BOOT, 1, 1, now_s=10)
    assert [window.stalled(29), window.stalled(30)] == [False, True]
    window.acknowledged(BOOT, 1, (), 40)
    window.sent(BOOT, 2, 1, now_s=50)
    assert window.stalled(60)


@given(st.integers(0, 1000), st.floats(0, 1))
def test_the_back_off_is_spread_and_bounded(failures: int, chance: float) -> None:
    assert 0.25 <= back_off_s(failures, chance) <= 30
