"""Rollouts as people make and steer them. What moves them on is the engine."""

import time
from collections.abc import Callable, Mapping
from typing import Final

from sqlalchemy import Connection

from aggregator.domain.rollouts import orders
from aggregator.domain.rollouts.plan import Plan
from aggregator.domain.rollouts.states import SUCCEEDED, Member, Members, Node, Rollout, Step
from aggregator.domain.rollouts.tally import Patience
from aggregator.domain.rollouts.words import written
from aggregator.errors import RolloutError
from aggregator.services import audit
from aggregator.services.rollout_back import ways_back
from aggregator.services.rollout_board import RolloutBoard, row_of, view_of
from aggregator.services.rollout_engine import Releases
from aggregator.services.rollout_making import begin, known_nodes, refuse_overlap
from aggregator.services.rollout_outlook import outlook
from aggregator.services.rollout_rows import read_tracked, save_state, save_steps
from aggregator.services.rollout_views import RolloutView, WavePreview
from aggregator.services.rollout_wish import Wish, find_release, members_of, plan_of
from aggregator.store import fleet
from aggregator.store import rollouts as store
from aggregator.store.database import Database

LONGEST_REASON: Final = 500


class RolloutService(RolloutBoard):
    """Makes, shows and steers rollouts. Safe for use by many threads and processes."""

    def __init__(
        self,
        database: Database,
        releases: Releases,
        *,
        require_shadow: bool = False,
        patience: Patience | None = None,
        now: Callable[[], float] = time.time,
    ) -> None:
        super().__init__(database, releases)
        self._require_shadow = require_shadow
        self._patience = patience or Patience()
        self._now = now

    def preview(self, wish: Wish) -> tuple[WavePreview, ...]:
        """Who would be in which wave, and who not be told yet; ``RolloutError`` says why it cannot be."""
        plan = self._plan(wish)
        with self._database.read() as connection:
            nodes = known_nodes(connection)
            members = self._members(connection, wish, plan, nodes)
            held_back = outlook(connection, plan, members, nodes, self._patience, self._now())
        return tuple(
            WavePreview(
                name=wave.name, words=written(wave), mode=wave.mode,
                nodes=tuple(member.node for member in members if member.wave == number),
                held_back=held_back.get(number, ()),
            )
            for number, wave in enumerate(plan.waves)
        )  # fmt: skip

    def create(self, wish: Wish, who: str) -> RolloutView:
        """Begin a rollout; ``RolloutError`` says why it cannot be."""
        plan = self._plan(wish)
        with self._database.write() as connection:
            store.lock(connection)
            members = self._members(connection, wish, plan, known_nodes(connection))
            number = begin(
                connection, plan, members, name=wish.name, who=who, now_s=self._now(), paused=wish.paused
            )
            return view_of(connection, number)

    def pause(self, rollout_id: int, who: str, reason: str = "") -> RolloutView:
        """Assign nothing more for now; nodes under way finish."""
        return self._order(rollout_id, who, "pause", reason, lambda one, _: orders.pause(one, _said(reason)))

    def resume(self, rollout_id: int, who: str, reason: str = "") -> RolloutView:
        """Go on; what made a rule pause it is forgiven."""
        return self._order(rollout_id, who, "resume", reason, orders.resume)

    def retry(self, rollout_id: int, who: str, reason: str = "") -> RolloutView:
        """Let those that failed try again."""
        return self._order(rollout_id, who, "retry", reason, orders.retry)

    def halt(self, rollout_id: int, who: str, reason: str = "") -> RolloutView:
        """End it, and take back what is not confirmed yet."""
        return self._order(
            rollout_id, who, "halt", reason,
            lambda one, members: orders.halt(one, members, _said(reason), self._now()),
        )  # fmt: skip

    def cancel(self, rollout_id: int, who: str, reason: str = "") -> RolloutView:
        """End it, and leave nodes under way to themselves."""
        return self._order(
            rollout_id, who, "cancel", reason,
            lambda one, members: orders.cancel(one, members, _said(reason), self._now()),
        )  # fmt: skip

    def roll_back(
        self, rollout_id: int, who: str, *, release: str = "", reason: str = ""
    ) -> list[RolloutView]:
        """End a rollout, and send every node that has its release back to what it ran before, or to
        ``release``; the rollouts that do so. ``RolloutError`` if that is not published, or another
        rollout holds one of these nodes."""
        published, said = self.published(), _said(reason)
        with self._database.write() as connection:
            store.lock(connection)
            tracked = read_tracked(connection, row_of(connection, rollout_id))
            live = [one for one in tracked.members.values() if tracked.is_live(one)]
            wishes = ways_back(
                [one for one in live if one.state == SUCCEEDED], published, release,
                probation_s=tracked.rollout.plan.probation_s,
            )  # fmt: skip
            if not tracked.rollout.ended:
                why = said or "rolled back"
                self._save(connection, orders.halt(tracked.rollout, tracked.members, why, self._now()))
            elif not wishes:
                raise RolloutError(f"no node has its release from rollout {rollout_id}")
            details = {"rollout": rollout_id, "reason": said}
            audit.enter(connection, who, "rollout.rollback", details, self._now())
            made, nodes = [], known_nodes(connection)
            for wish in wishes:
                plan = plan_of(wish, find_release(published, wish.release))
                members = members_of(plan, nodes, require_shadow=False)
                refuse_overlap(connection, members)
                name = f"back from rollout {rollout_id}"
                made.append(begin(connection, plan, members, name=name, who=who, now_s=self._now()))
            return [view_of(connection, number) for number in made]

    def _plan(self, wish: Wish) -> Plan:
        return plan_of(wish, find_release(self.published(), wish.release))

    def _members(
        self, connection: Connection, wish: Wish, plan: Plan, nodes: Mapping[str, Node]
    ) -> list[Member]:
        members = members_of(plan, nodes, require_shadow=self._require_shadow)
        if not wish.waits:
            refuse_overlap(connection, members, instead=", or let the new one wait for it")
        return members

    def _order(
        self, rollout_id: int, who: str, what: str, reason: str, order: Callable[[Rollout, Members], Step]
    ) -> RolloutView:
        with self._database.write() as connection:
            store.lock(connection)
            tracked = read_tracked(connection, row_of(connection, rollout_id))
            self._save(connection, order(tracked.rollout, tracked.members))
            details = {"rollout": rollout_id, "reason": _said(reason)}
            audit.enter(connection, who, f"rollout.{what}", details, self._now())
            return view_of(connection, rollout_id)

    def _save(self, connection: Connection, step: Step) -> None:
        save_steps(connection, [step], fleet.ids(connection), self._now())
        save_state(connection, step.rollout, self._now(), by_person=True)


def _said(reason: str) -> str:
    return " ".join(reason.split())[:LONGEST_REASON]
