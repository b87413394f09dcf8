"""Whatever nodes and people do in whatever order, a rollout keeps its promises."""

from dataclasses import replace
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from aggregator.domain.rollouts import orders, world
from aggregator.domain.rollouts.obstacles import Situation
from aggregator.domain.rollouts.plan import Plan, Targets, Wave
from aggregator.domain.rollouts.reports import Report
from aggregator.domain.rollouts.selection import draft
from aggregator.domain.rollouts.states import (
    ASSIGNED,
    FAILED,
    FINAL,
    PAUSED,
    SUCCEEDED,
    WITHDRAWN,
    Member,
    Node,
    Order,
    Step,
)
from aggregator.domain.rollouts.tally import Patience, tally
from aggregator.domain.rollouts.world import Tracked
from aggregator.errors import RolloutError
from contract.updates import PHASES
from tests.aggregator.domain.rollout_world import a_node, a_release

NAMES = tuple(f"n{number}" for number in range(8))
SITES = ("barn", "loft", "")
RELEASES = ("aa" * 32, "bb" * 32)
FINE, BROKEN, LOST = range(3)
WAVES = st.sampled_from(
    (
        (Wave(name="canary", count=1, success_percent=100), Wave(name="all", percent=100)),
        (Wave(name="a", percent=30), Wave(name="b", percent=60, minimum_s=50), Wave(name="c", percent=100)),
        (Wave(name="ears", count=2, mode="shadow"), Wave(name="all", percent=100, at_once=2)),
        (Wave(name="north", tag="north", hours="01:00-02:00"), Wave(name="all", percent=100)),
        (Wave(name="part", percent=50, error_percent=30),),
    )
)


class Rollouts(RuleBasedStateMachine):
    """A fleet, some rollouts, and everything that may happen to them."""

    @initialize(count=st.integers(2, len(NAMES)))
    def begin(self, count: int) -> None:
        self.now_s = 1000.0
        self.nodes: dict[str, Node] = {}
        self.world: dict[int, Tracked] = {}
        self.desired: dict[str, tuple[str | None, str, int]] = {}
        self.tried: dict[tuple[str, str], int] = {}
        self.pinned: dict[str, str] = {}
        self.drafted: dict[int, dict[int, set[str]]] = {}
        self.finals: dict[tuple[int, Any], Member] = {}
        self.ended: dict[int, dict[Any, Member]] = {}
        self.said: list[Report] = []
        for name in NAMES[:count]:
            self._birth(name, "00" * 32)

    @rule(
        waves=WAVES,
        release=st.sampled_from(RELEASES),
        sites=st.booleans(),
        tags=st.sampled_from(((), ("north",))),
        seed=st.sampled_from("xyz"),
    )
    @precondition(lambda self: len(self.world) < 4)
    def somebody_makes_one(
        self, waves: tuple[Wave, ...], release: str, sites: bool, tags: tuple[str, ...], seed: str
    ) -> None:
        plan = Plan(
            release=a_release(release), targets=Targets(tags=tags), waves=waves, seed=seed, whole_sites=sites
        )
        number = len(self.world) + 1
        members = draft(plan, self.nodes.values())
        self.world[number] = Tracked(orders.fresh(number, plan), {one.key: one for one in members})
        waves_of = {wave: {one.node for one in members if one.wave == wave} for wave in range(len(waves))}
        self.drafted[number] = waves_of

    @rule(minute=st.sampled_from((0, 61)), gone=st.sampled_from((1.0, 100.0, 3000.0, 30_000.0)))
    def time_passes(self, minute: int, gone: float) -> None:
        self.now_s += gone
        paused = {number for number, one in self.world.items() if one.rollout.state == PAUSED}
        ended = {number for number, one in self.world.items() if one.rollout.ended}
        at = {number: one.rollout.wave for number, one in self.world.items()}
        under_way = {(number, one.node) for number, one in self._assigned()}
        steps = world.turn(self.world, self._situation(minute))
        self._note(steps)
        for step in steps:
            number = step.rollout.id
            given = [one for one in step.orders if one.rollout == number]
            assert number not in ended, "an ended rollout does nothing"
            assert not given or number not in paused, "a paused rollout assigns nothing"
            for order in given:
                wave = step.rollout.plan.waves[order.wave]
                assert not wave.hours or minute == 61, "outside of the maintenance window"
                assert order.node not in self.pinned, "a pinned node is left alone"
                assert (number, order.node) not in under_way or order.wave > 0
                silent = self.now_s - self.nodes[order.node].heard_s > 3600
                assert not silent, "a vanished node is not assigned"
            self._limits_are_kept(step)
            if step.rollout.wave > at[number]:
                self._may_go_on(step, at[number])
        for tracked in self.world.values():
            if tracked.rollout.plan.whole_sites and not tracked.rollout.ended:
                self._sites_are_whole(tracked)

    @rule(index=st.integers(0, 50), phase=st.sampled_from(PHASES), fate=st.sampled_from((FINE, LOST)))
    def a_node_reports(self, index: int, phase: str, fate: int) -> None:
        under_way = self._assigned()
        if not under_way:
            return
        number, member = under_way[index % len(under_way)]
        said = Report(
            node=member.node, release=self.world[number].rollout.plan.release.digest, rollout=number,
            attempt=member.attempt, phase=phase, stored_s=self.now_s,
        )  # fmt: skip
        self.said.append(said)
        if fate == FINE:
            self._note(world.heed(self.world, [said]))

    @rule(index=st.integers(0, 50))
    @precondition(lambda self: self.said)
    def a_report_comes_late_or_again(self, index: int) -> None:
        self._note(world.heed(self.world, [self.said[index % len(self.said)]]))

    @rule(name=st.sampled_from(NAMES), attempt=st.integers(1, 3), phase=st.sampled_from(PHASES))
    def a_stray_report_comes(self, name: str, attempt: int, phase: str) -> None:
        before = {number: dict(one.members) for number, one in self.world.items()}
        for rollout in (None, 99):
            said = Report(
                node=name, release=RELEASES[0], rollout=rollout, attempt=attempt, phase=phase,
                stored_s=self.now_s,
            )  # fmt: skip
            assert world.heed(self.world, [said]) == []
        assert before == {number: one.members for number, one in self.world.items()}

    @rule(name=st.sampled_from(NAMES), digest=st.sampled_from((*RELEASES, "00" * 32)))
    def a_birth_comes(self, name: str, digest: str) -> None:
        self._birth(name, digest)
        self._note(world.welcome(self.world, [self.nodes[name]]))

    @rule(name=st.sampled_from(NAMES))
    def a_node_is_heard(self, name: str) -> None:
        if name in self.nodes:
            self.nodes[name] = replace(self.nodes[name], heard_s=self.now_s)

    @rule(name=st.sampled_from(NAMES), pinned=st.booleans())
    def somebody_pins(self, name: str, pinned: bool) -> None:
        if not pinned:
            self.pinned.pop(name, None)
            return
        self.pinned[name] = ""
        for tracked in self.world.values():
            gone = orders.let_go(tracked.of_node(name), "pinned", self.now_s)
            self._note([tracked.take(gone)])

    @rule(number=st.integers(1, 4), what=st.sampled_from(("pause", "resume", "resume", "retry")))
    def somebody_orders(self, number: int, what: str) -> None:
        if number not in self.world:
            return
        tracked = self.world[number]
        try:
            if what == "pause":
                step = orders.pause(tracked.rollout, "a look")
            elif what == "resume":
                step = orders.resume(tracked.rollout, tracked.members)
            else:
                step = orders.retry(tracked.rollout, tracked.members)
                self.finals = {key: one for key, one in self.finals.items() if key[0] != number}
        except RolloutError:
            return
        self._note([tracked.take(step.members, step.orders, step.rollout)])

    @rule(number=st.integers(1, 4), what=st.sampled_from(("halt", "cancel")))
    def somebody_ends_one(self, number: int, what: str) -> None:
        if number not in self.world or self.world[number].rollout.ended:
            return
        tracked = self.world[number]
        under_way = {one.node for one in tracked.members.values() if one.state == ASSIGNED}
        step = getattr(orders, what)(tracked.rollout, tracked.members, "enough", self.now_s)
        self._note([tracked.take(step.members, step.orders, step.rollout)])
        assert {one.node for one in step.orders} == (under_way if what == "halt" else set())
        assert all(one.state in FINAL for one in tracked.members.values()), "nobody has to answer first"

    @invariant()
    def no_node_is_held_twice(self) -> None:
        held = [member.node for _, member in self._assigned()]
        assert len(held) == len(set(held))

    @invariant()
    def a_wave_is_never_larger_than_drafted_nor_early(self) -> None:
        for number, tracked in self._each():
            last = len(tracked.rollout.plan.waves) - 1
            for member in tracked.members.values():
                if member.attempt:
                    assert member.wave <= tracked.rollout.wave
                if member.wave < last:
                    assert member.node in self.drafted[number][member.wave]

    @invariant()
    def what_is_final_stays(self) -> None:
        for number, tracked in self._each():
            for key, member in tracked.members.items():
                before = self.finals.get((number, key))
                if before is not None and before != member:
                    assert before.state == SUCCEEDED
                    relapsed = (member.state, member.phase) == (FAILED, "rolled_back")
                    together = tracked.rollout.plan.whole_sites and member.state == WITHDRAWN
                    assert relapsed or together
                if member.state in FINAL:
                    self.finals[number, key] = member

    @invariant()
    def what_has_ended_does_not_move(self) -> None:
        for number, tracked in self._each():
            if tracked.rollout.ended:
                assert self.ended.setdefault(number, dict(tracked.members)) == tracked.members

    def _may_go_on(self, step: Step, number: int) -> None:
        stage, wave = step.rollout.stages[number], step.rollout.plan.waves[number]
        counts = self._tally(self.world[step.rollout.id]).get(number)
        if counts is None:
            return
        assert counts.blocking == 0
        beyond = 100 * (counts.failed - stage.forgiven) / max(1, counts.size - counts.skipped)
        assert beyond <= wave.error_percent, "a failing wave is the last one"
        ended = counts.succeeded + counts.failed
        assert stage.waived or counts.succeeded * 100 >= wave.success_percent * max(1, ended)
        if stage.began_s is not None:
            assert self.now_s - stage.began_s >= wave.minimum_s

    def _note(self, steps: list[Step]) -> None:
        for step in steps:
            plan = step.rollout.plan
            for member in step.members:
                if member.state == ASSIGNED and member.phase == "" and member.assigned_s == self.now_s:
                    tried = self.tried.get((member.node, plan.release.digest), 0)
                    assert member.attempt >= tried, "an attempt is never repeated"
            for order in step.orders:
                self._obey(order, plan.release.digest)

    def _obey(self, order: Order, digest: str) -> None:
        self.desired[order.node] = (order.release, order.target, order.attempt)
        if order.rollout is not None:
            tried = self.tried.get((order.node, digest), 0)
            assert order.attempt > tried, "a new attempt grows"
            self.tried[order.node, digest] = order.attempt

    def _sites_are_whole(self, tracked: Tracked) -> None:
        states: dict[tuple[int, str], set[str]] = {}
        for member in tracked.members.values():
            if member.wave <= tracked.rollout.wave:
                place = self.nodes[member.node].place
                states.setdefault((member.wave, place), set()).add(member.state)
        for found in states.values():
            assert FAILED not in found or not found & {ASSIGNED, SUCCEEDED}

    def _limits_are_kept(self, step: Step) -> None:
        for number, counts in self._tally(self.world[step.rollout.id]).items():
            limit = step.rollout.plan.waves[number].at_once
            new = any(one.rollout is not None and one.wave == number for one in step.orders)
            assert not new or not limit or step.rollout.plan.whole_sites or counts.assigned <= limit

    def _each(self) -> list[tuple[int, Tracked]]:
        return list(getattr(self, "world", {}).items())

    def _assigned(self) -> list[tuple[int, Member]]:
        members = [(number, one) for number, tracked in self._each() for one in tracked.members.values()]
        return [(number, one) for number, one in members if one.state == ASSIGNED]

    def _tally(self, tracked: Tracked) -> Any:
        return tally(tracked.members.values(), self.nodes, Patience(), self.now_s)

    def _situation(self, minute: int) -> Situation:
        return Situation(
            nodes=self.nodes, pinned=self.pinned, now_s=self.now_s, minute=lambda _zone: minute,
            desired=dict(self.desired),
            tried=dict(self.tried),
        )  # fmt: skip

    def _birth(self, name: str, digest: str) -> None:
        number = NAMES.index(name)
        tags = ("north",) if number % 3 == 0 else ()
        self.nodes[name] = a_node(name, site=SITES[number % 3], tags=tags, digest=digest, heard_s=self.now_s)


Rollouts.TestCase.settings = settings(max_examples=120, stateful_step_count=40, deadline=None)
test_rollouts_keep_their_promises = Rollouts.TestCase
