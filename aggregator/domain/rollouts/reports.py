"""What a node's word changes: reports that come late, twice, out of order or not at all."""

from dataclasses import dataclass, replace
from typing import Final

from aggregator.domain.rollouts.plan import LIVE, Plan
from aggregator.domain.rollouts.states import ASSIGNED, FAILED, SUCCEEDED, Member, Node, Order, back
from contract.updates import PHASES

UNSAID_S: Final = 600.0
"""Beyond twice the time on probation: then a node has lost its report, and its birth counts instead."""
_RANK: Final = {phase: rank for rank, phase in enumerate(PHASES)}
_GOOD: Final = {"live": "confirmed", "shadow": "shadowed"}
_BAD: Final = ("rolled_back", "refused")


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What a node said of a release."""

    node: str
    release: str
    rollout: int | None
    attempt: int
    phase: str
    reason: str = ""
    done_bytes: int = 0
    total_bytes: int = 0
    stored_s: float = 0.0


def heeds(member: Member, plan: Plan, report: Report) -> bool:
    """Whether a report is about this attempt of this member, and the attempt is still under way; or a node
    goes back from what it had confirmed, for the model went wrong later."""
    if (report.attempt, report.release) != (member.attempt, plan.release.digest):
        return False
    relapses = report.phase == "rolled_back" and plan.waves[member.wave].mode == LIVE
    return member.state == ASSIGNED or (member.state == SUCCEEDED and relapses)


def after_report(member: Member, plan: Plan, report: Report) -> Member:
    """The member after a report that it ``heeds``; itself, if the report says nothing new."""
    mode = plan.waves[member.wave].mode
    if report.phase == _GOOD[mode]:
        return _ended(member, SUCCEEDED, report.phase, report.reason, report.stored_s)
    if report.phase in _BAD:
        reason = report.reason or f"{report.phase.replace('_', ' ')}, without a reason"
        return _ended(member, FAILED, report.phase, reason, report.stored_s)
    if report.phase in _GOOD.values() or _RANK[report.phase] < _RANK.get(member.phase, -1):
        return member
    said = replace(
        member, phase=report.phase, done_bytes=max(member.done_bytes, report.done_bytes),
        total_bytes=max(member.total_bytes, report.total_bytes),
    )  # fmt: skip
    return member if said == member else replace(said, changed_s=report.stored_s)


def after_birth(member: Member, plan: Plan, node: Node, now_s: float) -> Member:
    """The member after what the node's births say: they stand in for reports that were lost."""
    if member.state != ASSIGNED or plan.waves[member.wave].mode != LIVE:
        return member
    runs = node.digest == plan.release.digest
    if member.running_s is None:
        return replace(member, running_s=now_s, changed_s=now_s) if runs else member
    if now_s - member.running_s < 2 * plan.probation_s + UNSAID_S:
        return member
    if runs:
        return _ended(member, SUCCEEDED, "confirmed", "runs it; no report of that came", now_s)
    return _ended(member, FAILED, "rolled_back", "ran it, and does not any more; it did not say why", now_s)


def consequence(before: Member, member: Member, plan: Plan) -> Order | None:
    """What a node should run after it ended so: a shadow has listened, or the release failed.

    A node that goes back from what it had confirmed is told nothing: others may have told it since.
    """
    if before.state == SUCCEEDED:
        return None
    listened = member.state == SUCCEEDED and plan.waves[member.wave].mode != LIVE
    return back(member) if listened or member.state == FAILED else None


def _ended(member: Member, state: str, phase: str, reason: str, moment_s: float) -> Member:
    return replace(member, state=state, phase=phase, reason=reason, changed_s=moment_s)
