"""Small nodes, releases and rollouts for tests of the rules."""

from collections.abc import Iterable

from aggregator.domain.rollouts import orders, world
from aggregator.domain.rollouts.obstacles import Situation
from aggregator.domain.rollouts.plan import Plan, Release, Targets, Wave
from aggregator.domain.rollouts.reports import Report
from aggregator.domain.rollouts.selection import draft
from aggregator.domain.rollouts.states import Member, Node, Order, Rollout, Step
from aggregator.domain.rollouts.world import Tracked

OLD, NEW, NEWER = "00" * 32, "aa" * 32, "bb" * 32
FRONT_END = "ff" * 32


def a_node(name: str, **fields: object) -> Node:
    given = {
        "site": "barn", "model": "sounds@1", "digest": OLD, "frontend_digest": FRONT_END,
        "agent_version": "0.1.0", "heard_s": 1000.0,
    }  # fmt: skip
    return Node(name=name, **(given | fields))  # type: ignore[arg-type]


def a_release(digest: str = NEW, **fields: object) -> Release:
    given = {"target": f"sounds-{digest[:4]}.bundle", "model": "sounds@2", "frontend_digest": FRONT_END}
    return Release(digest=digest, **(given | fields))  # type: ignore[arg-type]


def a_plan(*waves: Wave, release: Release | None = None, **fields: object) -> Plan:
    given = {"targets": Targets(), "seed": "seed"} | fields
    waves = waves or (Wave(name="canary", count=1), Wave(name="all", percent=100))
    return Plan(release=release or a_release(), waves=waves, **given)  # type: ignore[arg-type]


class Fleet:
    """Nodes and rollouts, and time that passes when a test says so."""

    def __init__(self, *nodes: Node) -> None:
        self.now_s, self.minute = 1000.0, 0
        self.nodes = {node.name: node for node in nodes}
        self.world: dict[int, Tracked] = {}
        self.minutes: dict[str, int] = {}
        """In other time zones than the aggregator's."""
        self.pinned: dict[str, str] = {}
        self.unpublished: frozenset[str] = frozenset()
        self.agreed: dict[int, float] = {}
        self.desired: dict[str, Order] = {}
        self.tried: dict[tuple[str, str], int] = {}

    def make(self, plan: Plan) -> int:
        number = len(self.world) + 1
        members = {one.key: one for one in draft(plan, self.nodes.values())}
        self.world[number] = Tracked(orders.fresh(number, plan), members)
        return number

    def turn(self, later_s: float = 1.0) -> list[str]:
        """Names of the nodes that are assigned something by it."""
        self.now_s += later_s
        steps = world.turn(self.world, self.situation())
        self._obey(steps)
        return [order.node for step in steps for order in step.orders if order.rollout is not None]

    def say(self, node: str, phase: str, number: int = 1, **fields: object) -> None:
        """A node under way says how far it is."""
        mine = [one for one in self.world[number].of_node(node) if one.attempt]
        given = {
            "release": self.world[number].rollout.plan.release.digest, "rollout": number,
            "attempt": max(one.attempt for one in mine), "stored_s": self.now_s,
        } | fields  # fmt: skip
        self._obey(world.heed(self.world, [Report(node=node, phase=phase, **given)]))  # type: ignore[arg-type]

    def confirm(self, names: Iterable[str], number: int = 1) -> None:
        for name in names:
            self.say(name, "confirmed", number)

    def join(self, node: Node) -> None:
        self.nodes[node.name] = node
        self._obey(world.welcome(self.world, [node]))

    def order(self, step: Step) -> None:
        self._obey([self.world[step.rollout.id].take(step.members, step.orders, step.rollout)])

    def rollout(self, number: int = 1) -> Rollout:
        return self.world[number].rollout

    def members(self, number: int = 1) -> dict[str, Member]:
        """By node; of several memberships the last."""
        return {one.node: one for _, one in sorted(self.world[number].members.items())}

    def states(self, number: int = 1) -> dict[str, str]:
        return {name: one.state for name, one in self.members(number).items()}

    def situation(self) -> Situation:
        return Situation(
            nodes=self.nodes, pinned=self.pinned, now_s=self.now_s, agreed=self.agreed,
            minute=lambda zone: self.minutes.get(zone, self.minute),
            desired={name: (one.release, one.target, one.attempt) for name, one in self.desired.items()},
            tried=self.tried, unpublished=self.unpublished,
        )  # fmt: skip

    def _obey(self, steps: list[Step]) -> None:
        for order in (order for step in steps for order in step.orders):
            self.desired[order.node] = order
            if order.release is not None:
                key = (order.node, order.release)
                self.tried[key] = max(self.tried.get(key, 0), order.attempt)
