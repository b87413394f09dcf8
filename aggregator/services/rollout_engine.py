"""Moves rollouts on: reads what nodes said, lets the rules decide, writes what changes.

Everything is held in memory and read again when a person has changed it. A tick without news costs a few
queries by index; one with news writes only rows that differ.
"""

import logging
import time
from collections.abc import Callable, Sequence
from typing import Any, Final, Protocol

from sqlalchemy import Connection

from aggregator.domain.published import Published
from aggregator.domain.rollouts import world
from aggregator.domain.rollouts.advance import ASSIGNED_AT_ONCE
from aggregator.domain.rollouts.hours import minute_of_day
from aggregator.domain.rollouts.obstacles import Situation
from aggregator.domain.rollouts.plan import SHADOW
from aggregator.domain.rollouts.reports import Report
from aggregator.domain.rollouts.states import ENDED, FINISHED, PAUSED, RUNNING, Rollout, Step
from aggregator.domain.rollouts.tally import Patience
from aggregator.services import audit
from aggregator.services.rollout_memory import RolloutMemory
from aggregator.services.rollout_rows import save_state, save_steps
from aggregator.store import rollouts, updates
from aggregator.store.counters import read_counter, set_counter
from aggregator.store.database import Database

ACTIVE: Final = (RUNNING, PAUSED, FINISHED)
REPORTS_AT_ONCE: Final = 1000
QUIET_S: Final = 5.0
"""Without news, the rules are asked so often: for times that run out."""
KEPT_S: Final = 30 * 86_400.0
"""Reports of progress are kept so long."""
SHADOWS_KEPT_S: Final = 365 * 86_400.0
"""What shadows reported is kept so long."""
TRIM_S: Final = 600.0
_READ: Final = "update_reports_read"
WHO: Final = "rollouts"
"""The name of the rules in the audit log."""

_log = logging.getLogger(__name__)


class Releases(Protocol):
    """Where published bundles are listed."""

    def published(self) -> Sequence[Published]:
        """What nodes may run now."""


class RolloutEngine:
    """Takes steps. One per database, used by one thread."""

    def __init__(
        self,
        database: Database,
        releases: Releases,
        patience: Patience,
        *,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._database = database
        self._releases = releases
        self._patience = patience
        self._now = now
        self._memory = RolloutMemory()
        self._last_turn_s = 0.0
        self._moved = False
        self._next_trim_s = 0.0

    def step(self) -> bool:
        """Do what is due; whether there may be more at once. Raises ``StoreError``."""
        try:
            return self._step()
        except BaseException:
            self._memory = RolloutMemory()  # it may hold what was not written
            raise

    def _step(self) -> bool:
        now_s = self._now()
        with self._database.read() as connection:
            read_again = self._memory.refresh(connection, ACTIVE)
            reports = self._reports(connection)
            fresh = self._memory.look_at_nodes(connection)
            # What the rules have changed may be what they wait for.
            quiet = not (read_again or reports or fresh or self._moved)
            if quiet and 0.0 <= now_s - self._last_turn_s < QUIET_S:
                return False
            before = {number: one.rollout for number, one in self._memory.world.items()}
            steps = self._heed(reports)
            steps += world.welcome(self._memory.world, fresh)
            self._last_turn_s = now_s
            steps += world.turn(self._memory.world, self._situation(connection, now_s))
        orders = sum(len(step.orders) for step in steps)
        changed = any(one.rollout is not before[number] for number, one in self._memory.world.items())
        self._moved = changed or orders >= ASSIGNED_AT_ONCE
        if steps or reports:
            return self._write(steps, before, reports, now_s)
        self._trim(now_s)
        return False

    def _reports(self, connection: Connection) -> list[Any]:
        if self._memory.read is None:
            self._memory.read = read_counter(connection, _READ)
        if not self._memory.world:
            # Nobody waits for them: the next rollout begins with what comes then.
            self._memory.read = max(self._memory.read, updates.newest_report(connection))
            return []
        return list(updates.reports_after(connection, self._memory.read, REPORTS_AT_ONCE))

    def _heed(self, rows: Sequence[Any]) -> list[Step]:
        reports = [
            Report(
                node=row.node, release=row.release, rollout=row.rollout, attempt=row.attempt, phase=row.phase,
                reason=row.reason, done_bytes=row.done_bytes, total_bytes=row.total_bytes,
                stored_s=row.stored_s,
            )
            for row in rows
        ]  # fmt: skip
        steps = world.heed(self._memory.world, reports)
        self._memory.obey(steps)
        return steps

    def _situation(self, connection: Connection, now_s: float) -> Situation:
        memory = self._memory
        return Situation(
            nodes=memory.nodes,
            pinned=memory.pinned,
            now_s=now_s,
            minute=lambda zone: minute_of_day(now_s, zone),
            patience=self._patience,
            agreed=self._agreed(connection),
            desired=memory.desired,
            tried=memory.tried,
            unpublished=self._unpublished(now_s),
        )

    def _agreed(self, connection: Connection) -> dict[int, float]:
        found = {}
        for number, tracked in self._memory.world.items():
            rollout = tracked.rollout
            began_s = rollout.stages[rollout.wave].began_s
            if rollout.current.mode == SHADOW and rollout.current.agreement_percent and began_s is not None:
                steps, agreed = updates.agreement(connection, rollout.plan.release.digest, began_s)
                found[number] = agreed / max(1, steps)
        return found

    def _unpublished(self, now_s: float) -> frozenset[str]:
        wanted = {one.rollout.plan.release.digest for one in self._memory.world.values()}
        if not wanted:
            return frozenset()
        valid = {one.digest for one in self._releases.published() if one.expires_s > now_s}
        return frozenset(wanted - valid)

    def _write(
        self, steps: Sequence[Step], before: dict[int, Rollout], reports: Sequence[Any], now_s: float
    ) -> bool:
        with self._database.write() as connection:
            rollouts.lock(connection)
            if self._memory.outdated(connection, ACTIVE):
                self._memory = RolloutMemory()  # a person was quicker
                return True
            save_steps(connection, steps, self._memory.ids, now_s)
            for number, tracked in self._memory.world.items():
                if tracked.rollout is not before[number]:
                    save_state(connection, tracked.rollout, now_s, by_person=False)
                    _tell(connection, before[number], tracked.rollout, now_s)
            if reports:
                self._memory.read = reports[-1].id
                set_counter(connection, _READ, reports[-1].id)
        self._memory.obey(steps)
        self._memory.drop(ENDED)
        return self._moved or len(reports) >= REPORTS_AT_ONCE

    def _trim(self, now_s: float) -> None:
        if now_s < self._next_trim_s or self._memory.read is None:
            return
        self._next_trim_s = now_s + TRIM_S
        with self._database.write() as connection:
            updates.trim(connection, now_s - KEPT_S, self._memory.read, REPORTS_AT_ONCE)
            updates.trim_shadows(connection, now_s - SHADOWS_KEPT_S, REPORTS_AT_ONCE)


def _tell(connection: Connection, before: Rollout, after: Rollout, now_s: float) -> None:
    """Say what the rules decided, in the log and in the audit log."""
    if after.wave != before.wave:
        done = before.current.name
        audit.enter(connection, WHO, "rollout.wave", {"rollout": after.id, "done": done}, now_s)
        _log.info("rollout %d: wave %s is done, wave %s begins", after.id, done, after.current.name)
    if after.state != before.state:
        details = {"rollout": after.id, "state": after.state, "reason": after.reason}
        audit.enter(connection, WHO, f"rollout.{after.state}", details, now_s)
        _log.info("rollout %d is %s%s", after.id, after.state, f": {after.reason}" if after.reason else "")
