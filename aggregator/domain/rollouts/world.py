"""All rollouts together: they take turns, and never two of them hold one node."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from aggregator.domain.rollouts.advance import advance
from aggregator.domain.rollouts.obstacles import Holders, Situation
from aggregator.domain.rollouts.orders import let_go, supersede
from aggregator.domain.rollouts.plan import LIVE
from aggregator.domain.rollouts.reports import Report, after_report, consequence, heeds
from aggregator.domain.rollouts.selection import late_wave
from aggregator.domain.rollouts.states import (
    ASSIGNED,
    FINISHED,
    WAITING,
    Key,
    Member,
    Node,
    Order,
    Rollout,
    Step,
)


@dataclass(slots=True)
class Tracked:
    """A rollout with its members."""

    rollout: Rollout
    members: dict[Key, Member] = field(default_factory=dict)

    def take(
        self, members: Sequence[Member] = (), orders: Sequence[Order] = (), rollout: Rollout | None = None
    ) -> Step:
        """Be so from now on; what changed, to be written down."""
        self.rollout = rollout or self.rollout
        self.members.update((member.key, member) for member in members)
        return Step(rollout=self.rollout, members=tuple(members), orders=tuple(orders))

    def is_live(self, member: Member) -> bool:
        """Whether a membership is to put the release in service."""
        return self.rollout.plan.waves[member.wave].mode == LIVE

    def of_node(self, name: str) -> list[Member]:
        """The memberships of a node."""
        waves = range(len(self.rollout.plan.waves))
        return [self.members[number, name] for number in waves if (number, name) in self.members]


World = Mapping[int, Tracked]
"""By number. The functions below change it, and say what they changed."""


def heed(world: World, reports: Iterable[Report]) -> list[Step]:
    """What reports change, one after the other. What is final stays; what is not ours is passed over."""
    steps = []
    for report in reports:
        tracked = world.get(report.rollout or 0)
        if tracked is None or tracked.rollout.ended:
            continue
        plan = tracked.rollout.plan
        for member in tracked.of_node(report.node):
            after = after_report(member, plan, report) if heeds(member, plan, report) else member
            if after is not member:
                order = consequence(member, after, plan)
                steps.append(tracked.take([after], [order] if order else []))
    return steps


def welcome(world: World, fresh: Iterable[Node]) -> list[Step]:
    """Nodes that are new, or not what they were, join the rollouts that are about them."""
    joined: dict[int, list[Member]] = {}
    for node in fresh:
        claimed = False
        for number in sorted(world, reverse=True):
            tracked = world[number]
            # Of those that have finished, only the newest says what a node should run.
            if tracked.rollout.ended or (tracked.rollout.state == FINISHED and claimed):
                continue
            wave, there = late_wave(tracked.rollout.plan, node), tracked.of_node(node.name)
            claimed |= wave is not None or bool(there)
            if wave is not None and not any(tracked.is_live(member) for member in there):
                joined.setdefault(number, []).append(Member(node=node.name, wave=wave))
    return [world[number].take(members) for number, members in joined.items()]


def turn(world: World, situation: Situation) -> list[Step]:
    """One step of each rollout, the oldest first."""
    steps: list[Step] = []
    holders = holders_of(world)
    for number in sorted(world):
        tracked, before = world[number], world[number].rollout
        step = advance(before, tracked.members, situation, holders)
        if step.members or step.orders or step.rollout is not before:
            steps.append(tracked.take(step.members, step.orders, step.rollout))
            steps += _taken_over(world, step, situation.now_s)
        if step.rollout.state == FINISHED and before.state != FINISHED:
            steps += _superseded(world, number, situation.now_s)
    return steps


def holders_of(world: World, *, least: int = 2) -> Holders:
    """Who holds which node. Among unfinished rollouts the one that has assigned it, else the oldest.

    Nobody does among fewer than ``least``: one alone has nobody to share with.
    """
    if len(world) < least:
        return Holders()
    busy: dict[str, int] = {}
    newest: dict[str, int] = {}
    for number in sorted(world):
        tracked = world[number]
        if tracked.rollout.ended:
            continue
        for member in tracked.members.values():
            newest[member.node] = number
            if tracked.rollout.unfinished and member.state == ASSIGNED:
                busy[member.node] = number
            elif tracked.rollout.unfinished and member.state == WAITING:
                busy.setdefault(member.node, number)
    return Holders(busy=busy, newest=newest)


def _taken_over(world: World, step: Step, now_s: float) -> list[Step]:
    """Where a rollout that has finished still waited for a node that another one has now."""
    names = {member.node for member in step.members if member.state == ASSIGNED}
    if not names:
        return []
    reason = f"rollout {step.rollout.id} took it over"
    others = [tracked for number, tracked in world.items() if number != step.rollout.id]
    gone = [(one, let_go([m for name in names for m in one.of_node(name)], reason, now_s)) for one in others]
    return [tracked.take(members) for tracked, members in gone if members]


def _superseded(world: World, by: int, now_s: float) -> list[Step]:
    """Older rollouts that have finished, and all of whose nodes this one is about, end: they let go of
    whoever they still waited for."""
    mine = {member.node for member in world[by].members.values()}
    older = [
        tracked
        for number, tracked in world.items()
        if number < by
        and tracked.rollout.state == FINISHED
        and all(member.node in mine for member in tracked.members.values())
    ]
    ended = [
        (one, supersede(one.rollout, one.members, f"rollout {by} came after it", now_s)) for one in older
    ]
    return [one.take(step.members, step.orders, step.rollout) for one, step in ended]
