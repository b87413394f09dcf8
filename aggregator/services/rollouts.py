"""Rollouts as people make, watch and steer them. What moves them on is the engine."""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from sqlalchemy import Connection

from aggregator.domain.published import Published
from aggregator.domain.rollouts import orders
from aggregator.domain.rollouts.plan import Plan, Targets, Wave
from aggregator.domain.rollouts.states import (
    ASSIGNED,
    PAUSED,
    RUNNING,
    SUCCEEDED,
    WAITING,
    Member,
    Node,
    Step,
)
from aggregator.domain.rollouts.words import written
from aggregator.errors import RolloutError, UnknownRolloutError
from aggregator.services import audit
from aggregator.services.rollout_engine import Releases
from aggregator.services.rollout_rows import read_node, read_tracked, save_state, save_steps, wave_rows
from aggregator.services.rollout_views import (
    RolloutDetail,
    RolloutView,
    WavePreview,
    member_view,
    rollout_view,
)
from aggregator.services.rollout_wish import Wish, find_release, members_of, plan_of
from aggregator.store import fleet
from aggregator.store import rollouts as store
from aggregator.store.database import Database

SHOWN: Final = 100
LONGEST_REASON: Final = 500
_Order = Callable[[Any, dict[Any, Member]], Step]


class RolloutService:
    """Makes, shows and steers rollouts. Safe for use by many threads and processes."""

    def __init__(
        self,
        database: Database,
        releases: Releases,
        *,
        require_shadow: bool = False,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._database = database
        self._releases = releases
        self._require_shadow = require_shadow
        self._now = now

    def published(self) -> Sequence[Published]:
        """What can be rolled out, newest first."""
        return self._releases.published()

    def every(self, limit: int = SHOWN) -> list[RolloutView]:
        """The newest rollouts."""
        with self._database.read() as connection:
            return _views(connection, store.newest(connection, limit))

    def get(self, rollout_id: int) -> RolloutView:
        """One rollout; ``UnknownRolloutError``."""
        with self._database.read() as connection:
            return _views(connection, [_row(connection, rollout_id)])[0]

    def detail(
        self, rollout_id: int, *, state: str = "", wave: int | None = None, node: str = "", limit: int = SHOWN
    ) -> RolloutDetail:
        """A rollout with some of its nodes: in a state, of a wave (from 1), with a name that begins so."""
        with self._database.read() as connection:
            row = _row(connection, rollout_id)
            view = _views(connection, [row])[0]
            number = None if wave is None else wave - 1
            rows = store.members_shown(connection, rollout_id, state, number, node, limit + 1)
        plan = Plan.from_plain(json.loads(row.plan))
        return RolloutDetail(
            view=view, plan=plan, members=tuple(member_view(one, plan) for one in rows[:limit]),
            members_left=len(rows) > limit,
        )  # fmt: skip

    def preview(self, wish: Wish) -> tuple[WavePreview, ...]:
        """Who would be in which wave; ``RolloutError`` says why it cannot be."""
        plan = plan_of(wish, find_release(self.published(), wish.release))
        with self._database.read() as connection:
            nodes, _ = _nodes(connection)
            members = members_of(plan, nodes, require_shadow=self._require_shadow)
            if not wish.waits:
                _refuse_overlap(connection, {member.node for member in members})
        return tuple(
            WavePreview(
                name=wave.name, words=written(wave), mode=wave.mode,
                nodes=tuple(member.node for member in members if member.wave == number),
            )
            for number, wave in enumerate(plan.waves)
        )  # fmt: skip

    def create(self, wish: Wish, who: str) -> RolloutView:
        """Begin a rollout; ``RolloutError`` says why it cannot be."""
        plan = plan_of(wish, find_release(self.published(), wish.release))
        with self._database.write() as connection:
            store.lock(connection)
            nodes, ids = _nodes(connection)
            members = members_of(plan, nodes, require_shadow=self._require_shadow)
            if not wish.waits:
                _refuse_overlap(connection, {member.node for member in members})
            name = wish.name.strip()[:120] or f"{plan.release.model} to {_whom(plan.targets)}"
            return self._begin(connection, plan, members, ids, name=name, who=who, paused=wish.paused)

    def pause(self, rollout_id: int, who: str, reason: str = "") -> RolloutView:
        """Assign nothing more for now; nodes under way finish."""
        return self._order(rollout_id, who, "pause", reason, lambda one, _: orders.pause(one, _said(reason)))

    def resume(self, rollout_id: int, who: str, reason: str = "") -> RolloutView:
        """Go on."""
        return self._order(rollout_id, who, "resume", reason, orders.resume)

    def halt(self, rollout_id: int, who: str, reason: str = "") -> RolloutView:
        """End it, and take back what is not confirmed yet."""
        now_s = self._now()
        order: _Order = lambda one, members: orders.halt(one, members, _said(reason), now_s)  # noqa: E731
        return self._order(rollout_id, who, "halt", reason, order)

    def cancel(self, rollout_id: int, who: str, reason: str = "") -> RolloutView:
        """End it, and leave nodes under way to themselves."""
        now_s = self._now()
        order: _Order = lambda one, members: orders.cancel(one, members, _said(reason), now_s)  # noqa: E731
        return self._order(rollout_id, who, "cancel", reason, order)

    def retry(self, rollout_id: int, who: str, reason: str = "") -> RolloutView:
        """Let those that failed try again."""
        return self._order(rollout_id, who, "retry", reason, orders.retry)

    def roll_back(
        self, rollout_id: int, who: str, *, release: str = "", reason: str = ""
    ) -> list[RolloutView]:
        """End a rollout, and send every node that has its release back to what it was to run before, or to
        ``release``; the rollouts that do so. ``RolloutError`` if that is not published."""
        published = self.published()
        with self._database.write() as connection:
            store.lock(connection)
            tracked = read_tracked(connection, _row(connection, rollout_id))
            plan, now_s = tracked.rollout.plan, self._now()
            done = [
                one for one in tracked.members.values() if one.state == SUCCEEDED and tracked.is_live(one)
            ]
            back = _sent_back(done, published, release)
            nodes, ids = _nodes(connection)
            if not tracked.rollout.ended:
                step = orders.halt(tracked.rollout, tracked.members, _said(reason) or "rolled back", now_s)
                self._save(connection, step, ids, now_s)
            elif not back:
                raise RolloutError(f"no node has the release of rollout {rollout_id} from there")
            audit.enter(
                connection, who, "rollout.rollback", {"rollout": rollout_id, "reason": _said(reason)}, now_s
            )
            made = []
            for bundle, names in back.items():
                wish = Wish(
                    release=bundle, seed=plan.seed, new_front_end=True, takes_new=False,
                    targets=Targets(nodes=tuple(sorted(names)), any_model=True),
                    waves=(Wave(name="back", percent=100, error_percent=100, success_percent=0),),
                )  # fmt: skip
                again = plan_of(wish, find_release(published, bundle))
                members = members_of(again, nodes, require_shadow=False)
                name = f"back from rollout {rollout_id}"
                made.append(self._begin(connection, again, members, ids, name=name, who=who, paused=False))
        return made

    def _begin(
        self,
        connection: Connection,
        plan: Plan,
        members: Sequence[Member],
        ids: Mapping[str, int],
        *,
        name: str,
        who: str,
        paused: bool,
    ) -> RolloutView:
        now_s = self._now()
        fresh = orders.fresh(0, plan, paused=paused)
        row = {
            "name": name, "release": plan.release.digest, "model": plan.release.model,
            "plan": json.dumps(plan.to_plain(), ensure_ascii=False), "state": fresh.state, "reason": "",
            "automatic": False, "wave": 0, "who": who, "created_s": now_s, "changed_s": now_s, "revision": 1,
        }  # fmt: skip
        number = store.add(connection, row)
        begun = orders.fresh(number, plan, paused=paused)
        store.save_waves(connection, wave_rows(begun))
        save_steps(connection, [Step(rollout=begun, members=tuple(members))], ids, now_s)
        told = {"rollout": number, "release": plan.release.digest, "model": plan.release.model,
                "nodes": len({member.node for member in members}), "waves": len(plan.waves)}  # fmt: skip
        audit.enter(connection, who, "rollout.create", told, now_s)
        return _views(connection, [_row(connection, number)])[0]

    def _order(self, rollout_id: int, who: str, what: str, reason: str, order: _Order) -> RolloutView:
        now_s = self._now()
        with self._database.write() as connection:
            store.lock(connection)
            tracked = read_tracked(connection, _row(connection, rollout_id))
            step = order(tracked.rollout, tracked.members)
            _, ids = _nodes(connection)
            self._save(connection, step, ids, now_s)
            details = {"rollout": rollout_id, "reason": _said(reason)}
            audit.enter(connection, who, f"rollout.{what}", details, now_s)
            return _views(connection, [_row(connection, rollout_id)])[0]

    @staticmethod
    def _save(connection: Connection, step: Step, ids: Mapping[str, int], now_s: float) -> None:
        save_steps(connection, [step], ids, now_s)
        save_state(connection, step.rollout, now_s, by_person=True)


def _row(connection: Connection, rollout_id: int) -> Any:
    row = store.by_id(connection, rollout_id)
    if row is None:
        raise UnknownRolloutError(f"there is no rollout {rollout_id}")
    return row


def _views(connection: Connection, rows: Sequence[Any]) -> list[RolloutView]:
    counted: dict[int, dict[tuple[int, str], int]] = {}
    for one in store.member_counts(connection, [row.id for row in rows]):
        counted.setdefault(one.rollout_id, {})[one.wave, one.state] = one.count
    return [rollout_view(row, store.waves(connection, row.id), counted.get(row.id, {})) for row in rows]


def _nodes(connection: Connection) -> tuple[dict[str, Node], dict[str, int]]:
    rows = fleet.changed_since(connection, -1)
    nodes = {row.name: node for row in rows if (node := read_node(row)) is not None}
    return nodes, {row.name: row.id for row in rows}


def _refuse_overlap(connection: Connection, names: set[str]) -> None:
    for row in store.in_states(connection, (RUNNING, PAUSED)):
        mine = read_tracked(connection, row).members.values()
        held = sorted({one.node for one in mine if one.state in (WAITING, ASSIGNED)} & names)
        if held:
            others = f" and {len(held) - 1} more" if len(held) > 1 else ""
            raise RolloutError(
                f"rollout {row.id} is {row.state} and holds {held[0]}{others}: halt or cancel it first, "
                "or let the new one wait for it"
            )


def _sent_back(
    members: Sequence[Member], published: Sequence[Published], release: str
) -> dict[str, list[str]]:
    """Digest → the nodes that are to run it."""
    known = {one.digest for one in published}
    back: dict[str, list[str]] = {}
    for member in members:
        digest = find_release(published, release).digest if release else member.before
        if digest is None or digest not in known:
            was = f"bundle {digest[:12]}" if digest else "a bundle that is not known"
            raise RolloutError(
                f"{member.node} ran {was} before, which is not published: publish it, or name another release"
            )
        back.setdefault(digest, []).append(member.node)
    return back


def _said(reason: str) -> str:
    return " ".join(reason.split())[:LONGEST_REASON]


def _whom(targets: Targets) -> str:
    named = (*targets.nodes, *targets.tags, *targets.sites)
    if not named:
        return "the fleet"
    return ", ".join(named[:3]) + (f" and {len(named) - 3} more" if len(named) > 3 else "")
