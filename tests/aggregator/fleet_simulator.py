"""A fleet in memory: nodes with outboxes, and a broker that loses, repeats and reorders.

Nothing waits and nothing runs by itself: a test calls ``step`` until ``settled``. One seed, one history.
"""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from aggregator.services.inbox import Incoming
from aggregator.services.ingest import Outcome
from contract.commands import Acknowledgement
from contract.messages import DurableMessage, Gap
from tests.aggregator.messages import NOW_S, detection, features, gap, incoming

Store = Callable[[Sequence[Incoming]], Outcome]


@dataclass
class SimulatedNode:
    """A node with a bounded outbox that it empties only on acknowledgement."""

    name: str
    dice: random.Random
    capacity: int = 12
    boot_number: int = 1
    produced: int = 0
    sequence: int = 0
    outbox: dict[tuple[str, int], DurableMessage] = field(default_factory=dict)

    @property
    def boot(self) -> str:
        return f"{self.boot_number:016x}"

    def hear(self) -> None:
        """Something happens: a detection or a window."""
        make = detection if self.dice.random() < 0.7 else features
        self._append(make)
        events = [key for key, message in self.outbox.items() if not isinstance(message, Gap)]
        if len(events) > self.capacity:
            self._drop(events[: self.capacity // 2])

    def restart(self) -> None:
        """The agent starts anew: another boot, the same outbox."""
        self.boot_number += 1
        self.sequence = 0

    def acknowledged(self, acknowledgement: Acknowledgement) -> None:
        """Delete what the aggregator has safely."""
        for boot, sequence in list(self.outbox):
            done = sequence <= acknowledgement.through or sequence in acknowledgement.refused
            if boot == acknowledgement.boot and done:
                del self.outbox[boot, sequence]

    def _append(self, make: Callable[..., DurableMessage], **fields: object) -> None:
        self.sequence += 1
        self.produced += 1
        self.outbox[self.boot, self.sequence] = make(self.sequence, boot=self.boot, **fields)

    def _drop(self, keys: Sequence[tuple[str, int]]) -> None:
        """Give up messages and say so, one gap per boot."""
        for key in keys:
            del self.outbox[key]
        for boot in dict.fromkeys(boot for boot, _ in keys):
            ranges = tuple((sequence, sequence) for of, sequence in keys if of == boot)
            self._append(gap, gap_boot=boot, ranges=ranges)


class FakeBroker:
    """Carries messages badly: each may be lost, repeated, or come much later."""

    def __init__(self, dice: random.Random) -> None:
        self._dice = dice
        self._carried: list[Incoming] = []

    def publish(self, message: Incoming) -> None:
        fate = self._dice.random()
        copies = 0 if fate < 0.2 else 2 if fate < 0.4 else 1
        self._carried += [message] * copies

    def deliver(self) -> list[Incoming]:
        """Some of what is carried, in any order."""
        self._dice.shuffle(self._carried)
        count = self._dice.randint(0, len(self._carried))
        delivered, self._carried = self._carried[:count], self._carried[count:]
        return delivered


class FleetSimulator:
    """Nodes, a bad broker, and an ingest that may fall over."""

    def __init__(self, seed: int, nodes: int = 3) -> None:
        self.dice = random.Random(seed)
        self.broker = FakeBroker(self.dice)
        self.nodes = [SimulatedNode(name=f"node-{i}", dice=self.dice) for i in range(nodes)]

    def step(self, store: Store, *, quiet: bool = False, outage: bool = False) -> None:
        """Nodes hear (unless ``quiet``) and send what waits; some of it is stored; some of that is told.

        During an ``outage`` nothing leaves the nodes.
        """
        for node in self.nodes:
            if not quiet and self.dice.random() < 0.8:
                node.hear()
            if not quiet and self.dice.random() < 0.05:
                node.restart()
            if outage:
                continue
            for message in list(node.outbox.values()):
                self.broker.publish(incoming(message, node.name, received_s=NOW_S))
        batch = self.broker.deliver()
        if not batch:
            return
        by_name = {node.name: node for node in self.nodes}
        for receipt in store(batch).receipts:
            if self.dice.random() < 0.7:
                by_name[receipt.node].acknowledged(receipt.acknowledgement)

    @property
    def settled(self) -> bool:
        """Whether no node has anything left to deliver."""
        return not any(node.outbox for node in self.nodes)

    @property
    def produced(self) -> int:
        """Sequences given out by all nodes."""
        return sum(node.produced for node in self.nodes)
