"""One step of a rollout: who gets the release now, whether the next wave begins, whether it pauses."""

import math
from collections.abc import Iterator
from dataclasses import replace
from itertools import groupby
from typing import Final

from aggregator.domain.rollouts.hours import is_open
from aggregator.domain.rollouts.obstacles import Holders, Situation, obstacle
from aggregator.domain.rollouts.plan import LIVE
from aggregator.domain.rollouts.reports import after_birth, consequence
from aggregator.domain.rollouts.states import (
    ASSIGNED,
    FAILED,
    FINISHED,
    PAUSED,
    RUNNING,
    SKIPPED,
    SUCCEEDED,
    TOGETHER,
    WAITING,
    WITHDRAWN,
    Key,
    Member,
    Members,
    Order,
    Rollout,
    Stage,
    Step,
    back,
)
from aggregator.domain.rollouts.tally import Tally, tally, too_many_errors, unmet

ASSIGNED_AT_ONCE: Final = 500
"""Nodes in one step, at most: a step stays short however large the fleet is."""


def advance(rollout: Rollout, members: Members, situation: Situation, holders: Holders) -> Step:
    """What changes now. Nothing does in a rollout that has ended."""
    if rollout.ended:
        return Step(rollout=rollout)
    turn = _Turn(rollout, members, situation, holders)
    turn.believe_births()
    turn.keep_sites_whole()
    turn.look_for_obstacles()
    turn.heed_errors()
    turn.assign()
    turn.go_on()
    return Step(rollout=turn.rollout, members=tuple(turn.changed.values()), orders=tuple(turn.orders))


class _Turn:
    """The step while it is made: what has changed so far lies over what was."""

    def __init__(self, rollout: Rollout, members: Members, situation: Situation, holders: Holders) -> None:
        self.rollout = rollout
        self.plan = rollout.plan
        self.changed: dict[Key, Member] = {}
        self.orders: list[Order] = []
        self._members, self._situation, self._holders = members, situation, holders
        self._now_s = situation.now_s
        self._broken: dict[tuple[int, str], str] = {}

    def believe_births(self) -> None:
        """Births stand in for lost reports."""
        for member in self._reached(ASSIGNED):
            node = self._situation.nodes.get(member.node)
            if node is not None:
                self._put(after_birth(member, self.plan, node, self._now_s))

    def keep_sites_whole(self) -> None:
        """Where a node failed, the others of its site go back."""
        if not self.plan.whole_sites:
            return
        self._broken = {(one.wave, self._place(one)): one.node for one in self._reached(FAILED)}
        for member in self._reached(ASSIGNED, SUCCEEDED):
            culprit = self._broken.get((member.wave, self._place(member)))
            if culprit is not None:
                self.orders.append(back(member))
                self._put(self._moved(member, WITHDRAWN, f"{TOGETHER}, and {culprit} failed"))

    def look_for_obstacles(self) -> None:
        """Note what stands in the way of those whose turn it is."""
        found = {member.key: self._obstacle(member) for member in self._reached(WAITING, SKIPPED)}
        if self.plan.whole_sites:
            self._spread_over_sites(found)
        for key, (state, reason) in found.items():
            member = self._now(key)
            if (member.state, member.reason) != (state or WAITING, reason):
                self._put(replace(member, state=state or WAITING, reason=reason))

    def heed_errors(self) -> None:
        """Pause at once where too many failed."""
        if self.rollout.state not in (RUNNING, FINISHED):
            return
        for number, counts in self._tally().items():
            stage = self.rollout.stages[number]
            if number <= self.rollout.wave and (
                why := too_many_errors(self.plan.waves[number], stage, counts)
            ):
                self._pause(why)
                return

    def assign(self) -> None:
        """Give the release to those whose turn it is."""
        if self.rollout.state not in (RUNNING, FINISHED):
            return
        eligible = [member for member in self._reached(WAITING) if not member.reason]
        if eligible and self.plan.release.digest in self._situation.unpublished:
            self._pause("the release is not published any more, or its signatures have expired")
            return
        left = ASSIGNED_AT_ONCE
        for number, group in groupby(sorted(eligible, key=lambda one: one.key), key=lambda one: one.wave):
            left -= self._assign_some(number, list(group), left)
            if left <= 0:
                return

    def go_on(self) -> None:
        """End the wave if it waits for nobody: the next one, the end, or a pause."""
        if self.rollout.state != RUNNING:
            return
        number, wave, stage = self.rollout.wave, self.rollout.current, self.rollout.stages[self.rollout.wave]
        counts = self._tally().get(number, Tally())
        began_s = -math.inf if stage.began_s is None else stage.began_s
        if counts.blocking or self._now_s - began_s < wave.minimum_s:
            return
        last = number == len(self.plan.waves) - 1
        if why := unmet(wave, stage, counts, last=last, agreed=self._situation.agreed.get(self.rollout.id)):
            self._pause(why)
            return
        self._stage(number, replace(stage, ended_s=self._now_s))
        if last:
            self.rollout = replace(self.rollout, state=FINISHED, reason="")
        else:
            self.rollout = replace(self.rollout, wave=number + 1)

    def _assign_some(self, number: int, eligible: list[Member], most: int) -> int:
        wave = self.plan.waves[number]
        if not is_open(wave.hours, self._situation.minute(self.plan.zone_of(wave))):
            return 0
        under_way = self._tally()[number].assigned if wave.at_once else 0
        room = min(most, wave.at_once - under_way) if wave.at_once else most
        given = 0
        for unit in self._units(eligible):
            # A site larger than the limit goes alone, or it would never go.
            if len(unit) > room - given and (given or under_way or len(unit) == 1 or room <= 0):
                break
            for member in unit:
                self._assign(member)
            given += len(unit)
        stage = self.rollout.stages[number]
        if given and stage.began_s is None:
            self._stage(number, replace(stage, began_s=self._now_s))
        return given

    def _units(self, eligible: list[Member]) -> Iterator[list[Member]]:
        if not self.plan.whole_sites:
            yield from ([member] for member in eligible)
            return
        for _, unit in groupby(sorted(eligible, key=self._place), key=self._place):
            yield list(unit)

    def _assign(self, member: Member) -> None:
        situation, release = self._situation, self.plan.release
        attempt = 1 + max(situation.tried.get((member.node, release.digest), 0), member.attempt)
        for other in self._of_node(member.node):
            attempt = max(attempt, other.attempt + 1)
            if other.state == ASSIGNED:
                self._put(self._moved(other, WITHDRAWN, "went on to the next wave"))
        node = situation.nodes[member.node]
        before, target, number = situation.desired.get(member.node, (None, "", 1))
        if before is None:
            before, target, number = node.digest, "", 1
        if before == release.digest:
            before, target, number = self._before(member)
        self.orders.append(
            Order(
                node=member.node, release=release.digest, target=release.target, attempt=attempt,
                rollout=self.rollout.id, wave=member.wave,
            )
        )  # fmt: skip
        given = replace(
            member, state=ASSIGNED, reason="", attempt=attempt, phase="", done_bytes=0, total_bytes=0,
            assigned_s=self._now_s, changed_s=self._now_s, running_s=None, before=before,
            before_target=target, before_attempt=number,
        )  # fmt: skip
        if node.digest == release.digest and self.plan.waves[member.wave].mode == LIVE:
            given = replace(given, state=SUCCEEDED, phase="confirmed", reason="ran it already")
        self._put(given)

    def _before(self, member: Member) -> tuple[str | None, str, int]:
        """What the node was to run before this rollout came to it the first time."""
        for other in (member, *self._of_node(member.node)):
            if other.attempt and other.before != self.plan.release.digest:
                return other.before, other.before_target, other.before_attempt
        return None, "", 1

    def _obstacle(self, member: Member) -> tuple[str, str]:
        for other in self._of_node(member.node):
            if other.wave < member.wave and other.state == FAILED:
                return SKIPPED, f"failed in wave {self.plan.waves[other.wave].name}"
        if self._broken and (culprit := self._broken.get((member.wave, self._place(member)))):
            return SKIPPED, f"{TOGETHER}, and {culprit} failed"
        finished = self.rollout.state == FINISHED
        return obstacle(
            self.rollout.id, self.plan, member.node, self._situation, self._holders, finished=finished
        )

    def _spread_over_sites(self, found: dict[Key, tuple[str, str]]) -> None:
        """What stands in the way of one node stands in the way of its site, but for silence."""
        worst: dict[tuple[int, str], tuple[str, str, str]] = {}
        for key, (state, reason) in found.items():
            if state == SKIPPED or reason not in ("", "silent"):
                worst.setdefault((key[0], self._place(self._now(key))), (key[1], state, reason))
        for key, (_, reason) in list(found.items()):
            culprit = worst.get((key[0], self._place(self._now(key))))
            if culprit is not None and not reason:
                name, state, why = culprit
                found[key] = (state, f"{TOGETHER}, and of {name}: {why}")

    def _pause(self, why: str) -> None:
        self.rollout = replace(self.rollout, state=PAUSED, reason=why, automatic=True)

    def _stage(self, number: int, stage: Stage) -> None:
        stages = list(self.rollout.stages)
        stages[number] = stage
        self.rollout = replace(self.rollout, stages=tuple(stages))

    def _moved(self, member: Member, state: str, reason: str) -> Member:
        return replace(member, state=state, reason=reason, changed_s=self._now_s)

    def _place(self, member: Member) -> str:
        node = self._situation.nodes.get(member.node)
        return node.place if node else f"node {member.node}"

    def _tally(self) -> dict[int, Tally]:
        return tally(self._all(), self._situation.nodes, self._situation.patience, self._now_s)

    def _of_node(self, name: str) -> Iterator[Member]:
        """The node's memberships, that of the latest wave first."""
        for number in range(len(self.plan.waves) - 1, -1, -1):
            if (number, name) in self._members:
                yield self._now((number, name))

    def _reached(self, *states: str) -> list[Member]:
        """Members of the waves up to the one that runs, in these states."""
        return [one for one in self._all() if one.state in states and one.wave <= self.rollout.wave]

    def _all(self) -> Iterator[Member]:
        changed = self.changed
        return (changed.get(key, member) for key, member in self._members.items())

    def _now(self, key: Key) -> Member:
        return self.changed.get(key) or self._members[key]

    def _put(self, member: Member) -> None:
        before = self._now(member.key)
        if member is before:
            return
        self.changed[member.key] = member
        # What ended by a birth has the same consequence as by a report.
        if member.state in (SUCCEEDED, FAILED) and (order := consequence(before, member, self.plan)):
            self.orders.append(order)
