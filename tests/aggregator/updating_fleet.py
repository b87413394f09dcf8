"""Nodes that update, on a real broker, in one process: every message is one that a real node would send.

They run no model and download nothing. They take what they should run, report each phase through an outbox
that only an acknowledgement empties, introduce themselves anew with the other bundle, and sometimes fail.
What they publish may be lost, come twice, or come late.
"""

import heapq
import itertools
import random
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Self

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion

from contract import topics, wire
from contract.commands import Acknowledgement
from contract.record import Record
from contract.topics import Topic
from contract.updates import Desired
from tests.aggregator import messages
from tests.aggregator.fleet_simulator import SimulatedNode
from tests.aggregator.messages import KINDS, NAMESPACE

GOOD: Final = ("offered", "downloading", "verified", "staged", "self_tested", "probation", "confirmed")
SHADOW: Final = (*GOOD[:5], "shadowing", "shadowed")
RESEND_S: Final = 4.0
SHIPPED: Final = "cd" * 32


@dataclass(frozen=True, kw_only=True)
class Fate:
    """How nodes and their messages fare; each is a share."""

    failing: float = 0.0
    lost: float = 0.0
    twice: float = 0.0
    late: float = 0.0
    phase_s: float = 0.3
    """A phase lasts so long, more or less."""
    late_s: float = 3.0
    heartbeat_s: float = 20.0


@dataclass
class UpdatingNode(SimulatedNode):
    """A node that does as it is told, or fails."""

    digest: str = SHIPPED
    previous: str = SHIPPED
    fails: bool = False
    wanted: Desired | None = None
    failed: dict[str, int] = field(default_factory=dict)
    """Bundle → the attempt at which it failed."""
    sent_bytes: int = 0
    received_bytes: int = 0

    @property
    def model(self) -> str:
        """As messages name it."""
        return f"sounds@{self.digest[:4]}"

    def told(self, wanted: Desired) -> list[str]:
        """What it should run; the phases that it goes through now."""
        if self.wanted is not None and wanted.serial <= self.wanted.serial:
            return []
        self.wanted = wanted
        if (
            wanted.release in (None, self.digest)
            or self.failed.get(wanted.release or "", 0) >= wanted.attempt
        ):
            return []
        phases = list(SHADOW if wanted.mode == "shadow" else GOOD)
        return [*phases[:-1], "rolled_back"] if self.fails else phases

    def reach(self, wanted: Desired, phase: str) -> bool:
        """Report a phase; whether it runs another bundle with it. Nothing, if it was told otherwise since."""
        if self.wanted is None or self.wanted.serial != wanted.serial or wanted.release is None:
            return False
        before = self.digest
        if phase == "probation":
            self.previous, self.digest = self.digest, wanted.release
        elif phase == "rolled_back":
            self.failed[wanted.release] = wanted.attempt
            self.digest = self.previous
        self.say(wanted, phase)
        return self.digest != before

    def say(self, wanted: Desired, phase: str) -> None:
        """Report it."""
        self._append(
            messages.update, release=wanted.release, rollout=wanted.rollout, attempt=wanted.attempt,
            phase=phase, model=self.model, wall_s=time.time(), monotonic_s=time.monotonic(),
            reason="it crashed twice on probation" if phase == "rolled_back" else "",
            done_bytes=400_000 if phase != "offered" else 0, total_bytes=400_000,
        )  # fmt: skip


class UpdatingFleet:
    """Nodes on a broker, while the ``with`` block lasts."""

    def __init__(
        self, port: int, names: Sequence[str], *, seed: int = 1, fate: Fate | None = None, lines: int = 4,
        frontend_digest: str = messages.DIGEST, model: str = messages.MODEL,
    ) -> None:  # fmt: skip
        self._dice = random.Random(seed)
        self._fate = fate or Fate()
        self._frontend_digest, self._model = frontend_digest, model
        self.nodes = {name: UpdatingNode(name=name, dice=self._dice, capacity=1000) for name in names}
        for name in sorted(names):
            self.nodes[name].fails = self._dice.random() < self._fate.failing
        self._due: list[tuple[float, int, Callable[[], None]]] = []
        self._order = itertools.count()
        self._lock = threading.Condition()
        self._stopped = False
        self._line_of: dict[str, paho.Client] = {}
        self._lines = [self._line(port, names[number::lines]) for number in range(lines)]
        self._thread = threading.Thread(target=self._run, name="fleet", daemon=True)
        self.lost = self.twice = self.late = 0

    def __enter__(self) -> Self:
        self._thread.start()
        for line in self._lines:
            line.loop_start()
        for number, name in enumerate(self.nodes):
            self._in(number * 0.002, lambda name=name: self._come(name))
        return self

    def __exit__(self, *_: Any) -> None:
        with self._lock:
            self._stopped = True
            self._lock.notify()
        self._thread.join(20)
        for line in self._lines:
            line.disconnect()
            line.loop_stop()

    @property
    def running(self) -> dict[str, int]:
        """Bundle → how many nodes run it."""
        with self._lock:
            found: dict[str, int] = {}
            for node in self.nodes.values():
                found[node.digest] = found.get(node.digest, 0) + 1
            return found

    @property
    def settled(self) -> bool:
        """Whether every report was acknowledged."""
        with self._lock:
            return not any(node.outbox for node in self.nodes.values())

    def chatter(self, seconds: float) -> None:
        """For so long each node says what an update would have it say, but of no rollout."""
        wanted = Desired(serial=0, issued_s=0, release="ef" * 32, target="-")
        for node in self.nodes.values():
            for phase in GOOD:
                at_s = self._dice.uniform(0, seconds)
                self._in(at_s, lambda node=node, phase=phase: self._chat(node, wanted, phase))
            self._in(self._dice.uniform(0, seconds), lambda node=node: self._introduce(node))

    def _line(self, port: int, names: Sequence[str]) -> paho.Client:
        line = paho.Client(CallbackAPIVersion.VERSION2, protocol=paho.MQTTv5)
        line.max_inflight_messages_set(1000)
        line.on_message = self._on_message
        filters = [
            (topics.topic_name(NAMESPACE, name, topic), 1)
            for name in names
            for topic in (topics.DESIRED, topics.ACKNOWLEDGEMENT)
        ]

        def subscribe(client: paho.Client, *_: Any) -> None:
            for begin in range(0, len(filters), 100):
                client.subscribe(filters[begin : begin + 100])

        line.on_connect = subscribe
        line.connect("127.0.0.1", port, keepalive=120)
        self._line_of |= dict.fromkeys(names, line)
        return line

    def _run(self) -> None:
        while True:
            with self._lock:
                if self._stopped:
                    return
                wait_s = self._due[0][0] - time.monotonic() if self._due else 0.2
                if wait_s > 0:
                    self._lock.wait(min(wait_s, 0.2))
                    continue
                _, _, act = heapq.heappop(self._due)
                act()

    def _in(self, delay_s: float, act: Callable[[], None]) -> None:
        with self._lock:
            heapq.heappush(self._due, (time.monotonic() + delay_s, next(self._order), act))
            self._lock.notify()

    def _on_message(self, _client: Any, _userdata: Any, message: paho.MQTTMessage) -> None:
        name, topic = topics.parse_topic(NAMESPACE, message.topic)
        node = self.nodes[name]
        with self._lock:
            node.received_bytes += len(message.payload)
            if topic == topics.ACKNOWLEDGEMENT:
                node.acknowledged(wire.decode_as(Acknowledgement, topic, message.payload))
                return
            wanted = wire.decode_as(Desired, topic, message.payload)
            at_s = 0.0
            for phase in node.told(wanted):
                self._in(at_s, lambda phase=phase: self._reach(node, wanted, phase))
                at_s += self._fate.phase_s * self._dice.uniform(0.5, 1.5)

    def _reach(self, node: UpdatingNode, wanted: Desired, phase: str) -> None:
        before = node.sequence
        swapped = node.reach(wanted, phase)
        if node.sequence != before:
            self._deliver(node, (node.boot, node.sequence))
        if swapped:
            self._introduce(node)

    def _chat(self, node: UpdatingNode, wanted: Desired, phase: str) -> None:
        node.say(wanted, phase)
        self._deliver(node, (node.boot, node.sequence))

    def _deliver(self, node: UpdatingNode, key: tuple[str, int], *, again: bool = False) -> None:
        """Publish what waits, again and again until it is acknowledged, however badly that goes."""
        if key not in node.outbox:
            return
        # Of what waits only the oldest is sent again: acknowledgements are cumulative.
        if again and key != next(iter(node.outbox)):
            self._in(RESEND_S, lambda: self._deliver(node, key, again=True))
            return
        fate, dice = self._fate, self._dice.random()
        if dice < fate.lost:
            self.lost += 1
        elif dice < fate.lost + fate.twice:
            self.twice += 1
            self._publish(node, node.outbox[key])
            self._publish(node, node.outbox[key])
        elif dice < fate.lost + fate.twice + fate.late:
            self.late += 1
            message = node.outbox[key]
            self._in(fate.late_s, lambda: self._publish(node, message))
        else:
            self._publish(node, node.outbox[key])
        self._in(RESEND_S, lambda: self._deliver(node, key, again=True))

    def _come(self, name: str) -> None:
        node = self.nodes[name]
        self._introduce(node)
        self._publish(node, messages.state(boot=node.boot))
        self._in(self._dice.uniform(0, self._fate.heartbeat_s), lambda: self._beat(node))

    def _introduce(self, node: UpdatingNode) -> None:
        model = self._model if node.digest == SHIPPED else f"{self._model.split('@')[0]}@{node.digest[:4]}"
        self._publish(
            node,
            messages.birth(
                boot=node.boot, bundle_digest=node.digest, model=model, wall_s=time.time(),
                frontend_digest=self._frontend_digest, site=f"site-{sum(node.name.encode()) % 50}",
            ),
        )  # fmt: skip

    def _beat(self, node: UpdatingNode) -> None:
        self._publish(node, messages.heartbeat(boot=node.boot, wall_s=time.time()))
        self._in(self._fate.heartbeat_s, lambda: self._beat(node))

    def _publish(self, node: UpdatingNode, record: Record) -> None:
        topic: Topic = KINDS[type(record)]
        payload = wire.encode(topic, record)
        node.sent_bytes += len(payload)
        self._line_of[node.name].publish(
            topics.topic_name(NAMESPACE, node.name, topic), payload, topic.qos, topic.retain
        )
