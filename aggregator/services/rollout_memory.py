"""What the engine knows of rollouts and nodes between its steps."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from sqlalchemy import Connection

from aggregator.domain.rollouts.states import Node, Step
from aggregator.domain.rollouts.world import Tracked
from aggregator.services.rollout_rows import read_node, read_tracked
from aggregator.store import desired as desired_rows
from aggregator.store import fleet, rollouts


@dataclass(slots=True)
class RolloutMemory:
    """Rollouts that have not ended, nodes, and what nodes were told."""

    world: dict[int, Tracked] = field(default_factory=dict)
    nodes: dict[str, Node] = field(default_factory=dict)
    ids: dict[str, int] = field(default_factory=dict)
    desired: dict[str, tuple[str | None, str, int]] = field(default_factory=dict)
    tried: dict[tuple[str, str], int] = field(default_factory=dict)
    pinned: dict[str, str] = field(default_factory=dict)
    read: int | None = None
    """The last report of progress that was read; None: not known yet."""
    _revisions: dict[int, int] | None = None
    _births: dict[str, str] = field(default_factory=dict)
    _seen: int = -1
    """The newest revision of a node that was looked at."""

    def refresh(self, connection: Connection, states: Sequence[str]) -> bool:
        """Read everything again if a person has changed something; whether that was so."""
        current = rollouts.revisions(connection, states)
        if current == self._revisions:
            return False
        self._revisions = current
        rows = rollouts.in_states(connection, states)
        self.world = {row.id: read_tracked(connection, row) for row in rows}
        self.desired = {
            row.node: (row.release, row.target, row.attempt) for row in desired_rows.every(connection)
        }
        self.tried = {(row.node, row.release): row.attempt for row in rollouts.attempts(connection)}
        self.pinned = {row.node: row.model for row in desired_rows.pins(connection)}
        self._seen, self._births = -1, {}  # whoever joined no rollout before may join a new one
        return True

    def outdated(self, connection: Connection, states: Sequence[str]) -> bool:
        """Whether a person has changed something since."""
        return rollouts.revisions(connection, states) != self._revisions

    def look_at_nodes(self, connection: Connection) -> list[Node]:
        """Take note of nodes that changed; those whose birth is another one than before."""
        if not self.world:
            return []
        fresh = []
        for row in fleet.changed_since(connection, self._seen):
            self._seen = max(self._seen, row.revision)
            known = self.nodes.get(row.name)
            if known is not None and row.birth == self._births.get(row.name):
                self.nodes[row.name] = replace(known, heard_s=row.last_heard_s or 0.0)
            elif (node := read_node(row)) is not None:
                self.nodes[row.name], self._births[row.name] = node, row.birth
                self.ids[row.name] = row.id
                fresh.append(node)
        return fresh

    def obey(self, steps: Sequence[Step]) -> None:
        """Remember what nodes are told by steps."""
        for order in (order for step in steps for order in step.orders):
            self.desired[order.node] = (order.release, order.target, order.attempt)
            if order.release is not None:
                key = (order.node, order.release)
                self.tried[key] = max(self.tried.get(key, 0), order.attempt)

    def drop(self, states: Sequence[str]) -> None:
        """Forget rollouts in these states."""
        for number in [number for number, one in self.world.items() if one.rollout.state in states]:
            del self.world[number]
            if self._revisions is not None:
                self._revisions.pop(number, None)
