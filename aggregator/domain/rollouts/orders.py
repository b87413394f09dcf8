"""What people order: pause, resume, halt, cancel, try again. Each says in a sentence why it cannot be."""

from collections.abc import Iterable
from dataclasses import replace

from aggregator.domain.rollouts.plan import Plan
from aggregator.domain.rollouts.states import (
    ASSIGNED,
    CANCELLED,
    FAILED,
    FINISHED,
    HALTED,
    PAUSED,
    RUNNING,
    SUPERSEDED,
    TOGETHER,
    WAITING,
    WITHDRAWN,
    Member,
    Members,
    Rollout,
    Stage,
    Step,
    back,
)
from aggregator.errors import RolloutError


def fresh(rollout_id: int, plan: Plan, *, paused: bool = False) -> Rollout:
    """A rollout that begins, or that waits for a word to begin."""
    return Rollout(
        id=rollout_id, plan=plan, state=PAUSED if paused else RUNNING, stages=(Stage(),) * len(plan.waves)
    )


def pause(rollout: Rollout, reason: str) -> Step:
    """Assign nothing more for now; those under way finish."""
    if rollout.state != RUNNING:
        raise RolloutError(f"rollout {rollout.id} is {rollout.state}: only one that runs can be paused")
    return Step(rollout=replace(rollout, state=PAUSED, reason=reason, automatic=False))


def resume(rollout: Rollout, members: Members) -> Step:
    """Go on. After a pause by a rule, what broke it is forgiven; it counts from here."""
    if rollout.state != PAUSED:
        raise RolloutError(f"rollout {rollout.id} is {rollout.state}: only a paused one can be resumed")
    stages = rollout.stages
    if rollout.automatic:
        failed = [0] * len(stages)
        for member in members.values():
            failed[member.wave] += member.state == FAILED
        stages = tuple(
            replace(stage, waived=stage.waived or number == rollout.wave, forgiven=failed[number])
            for number, stage in enumerate(stages)
        )
    return Step(rollout=replace(rollout, state=RUNNING, reason="", automatic=False, stages=stages))


def halt(rollout: Rollout, members: Members, reason: str, now_s: float) -> Step:
    """End it, and take back what is not confirmed yet."""
    return _end(rollout, members, HALTED, reason, now_s, take_back=True)


def cancel(rollout: Rollout, members: Members, reason: str, now_s: float) -> Step:
    """End it, and leave nodes under way to themselves. No node has to answer for that."""
    return _end(rollout, members, CANCELLED, reason, now_s, take_back=False)


def supersede(rollout: Rollout, members: Members, reason: str, now_s: float) -> Step:
    """End it, since a later one is about all of its nodes."""
    return _end(rollout, members, SUPERSEDED, reason, now_s, take_back=False)


def retry(rollout: Rollout, members: Members) -> Step:
    """Let those that failed try again, with the next attempt, and those that were taken back with them."""
    if rollout.ended:
        raise RolloutError(f"rollout {rollout.id} is {rollout.state}: make a new one")
    again = [member for member in members.values() if member.state == FAILED]
    if not again:
        raise RolloutError(f"no node of rollout {rollout.id} failed")
    again += [one for one in members.values() if one.state == WITHDRAWN and one.reason.startswith(TOGETHER)]
    # What was forgiven is being tried again: it counts anew.
    stages = tuple(replace(stage, forgiven=0) for stage in rollout.stages)
    state = RUNNING if rollout.state == FINISHED or rollout.automatic else rollout.state
    automatic = rollout.automatic and state == PAUSED
    reason = rollout.reason if state == rollout.state else ""
    return Step(
        rollout=replace(rollout, state=state, automatic=automatic, reason=reason, stages=stages),
        members=tuple(replace(member, state=WAITING, reason="") for member in again),
    )


def let_go(members: Iterable[Member], reason: str, now_s: float) -> tuple[Member, ...]:
    """Members under way whose node somebody else decides on now."""
    under_way = (member for member in members if member.state == ASSIGNED)
    return tuple(replace(one, state=WITHDRAWN, reason=reason, changed_s=now_s) for one in under_way)


def _end(
    rollout: Rollout, members: Members, state: str, reason: str, now_s: float, *, take_back: bool
) -> Step:
    if rollout.ended:
        raise RolloutError(f"rollout {rollout.id} is {rollout.state} already")
    open_ = [one for one in members.values() if not one.final]
    ended = tuple(replace(one, state=WITHDRAWN, reason=state, changed_s=now_s) for one in open_)
    orders = tuple(back(one) for one in open_ if one.state == ASSIGNED) if take_back else ()
    after = replace(rollout, state=state, reason=reason, automatic=False)
    return Step(rollout=after, members=ended, orders=orders)
