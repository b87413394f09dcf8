"""How a wave stands: its nodes counted, and what the counts mean."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from aggregator.domain.rollouts.plan import SHADOW, Wave
from aggregator.domain.rollouts.states import (
    ASSIGNED,
    FAILED,
    SKIPPED,
    SUCCEEDED,
    WAITING,
    WITHDRAWN,
    Member,
    Node,
    Stage,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long a rollout waits for nodes."""

    vanished_s: float = 3600.0
    """A node that was not heard for so long blocks nothing."""
    stuck_s: float = 21_600.0
    """Nor does one that is heard, but has said nothing new of the release for so long."""

    def silent(self, node: Node | None, now_s: float) -> bool:
        """Whether the node vanished."""
        return node is None or now_s - node.heard_s > self.vanished_s

    def absent(self, member: Member, node: Node | None, now_s: float) -> bool:
        """Whether nobody waits for the member: it vanished, or got stuck."""
        if self.silent(node, now_s):
            return True
        return member.state == ASSIGNED and now_s - (member.changed_s or 0.0) > self.stuck_s


@dataclass(slots=True, kw_only=True)
class Tally:
    """The members of a wave by state; ``absent`` ones wait or are assigned, and block nothing."""

    waiting: int = 0
    assigned: int = 0
    absent: int = 0
    skipped: int = 0
    succeeded: int = 0
    failed: int = 0
    withdrawn: int = 0

    @property
    def size(self) -> int:
        """All members."""
        return self.answered + self.waiting + self.assigned + self.absent + self.skipped + self.withdrawn

    @property
    def answered(self) -> int:
        """Those that ended by themselves."""
        return self.succeeded + self.failed

    @property
    def blocking(self) -> int:
        """Those that the wave waits for."""
        return self.waiting + self.assigned


def tally(
    members: Iterable[Member], nodes: Mapping[str, Node], patience: Patience, now_s: float
) -> dict[int, Tally]:
    """The tally of each wave by number."""
    found: dict[int, Tally] = {}
    for member in members:
        mine = found.get(member.wave) or found.setdefault(member.wave, Tally())
        if member.state == SUCCEEDED:
            mine.succeeded += 1
        elif member.state == FAILED:
            mine.failed += 1
        elif member.state == WITHDRAWN:
            mine.withdrawn += 1
        elif member.state == SKIPPED:
            mine.skipped += 1
        elif patience.absent(member, nodes.get(member.node), now_s):
            mine.absent += 1
        elif member.state == WAITING:
            mine.waiting += 1
        else:
            mine.assigned += 1
    return found


def too_many_errors(wave: Wave, stage: Stage, counts: Tally) -> str:
    """Why a wave must not go on; empty if it may."""
    failed = counts.failed - stage.forgiven
    share = 100 * failed / max(1, counts.size - counts.skipped)
    if failed <= 0 or share <= wave.error_percent:
        return ""
    again = "more " if stage.forgiven else ""
    return (
        f"wave {wave.name}: {failed} {again}of {counts.size - counts.skipped} nodes failed, "
        f"at most {wave.error_percent:g} % may"
    )


def unmet(wave: Wave, stage: Stage, counts: Tally, *, last: bool, agreed: float | None) -> str:
    """Why a wave that waits for nobody is no success; empty if it is one."""
    if stage.waived or not counts.size:
        return ""
    if not counts.succeeded and (counts.failed or not last):
        return f"wave {wave.name}: no node succeeded"
    share = 100 * counts.succeeded / max(1, counts.answered)
    if counts.answered and share < wave.success_percent:
        return (
            f"wave {wave.name}: {counts.succeeded} of {counts.answered} nodes succeeded, "
            f"at least {wave.success_percent:g} % must"
        )
    if wave.mode == SHADOW and wave.agreement_percent:
        heard = 100 * (agreed or 0.0)
        if heard < wave.agreement_percent:
            return f"wave {wave.name}: the models agreed in {heard:.1f} %, not {wave.agreement_percent:g} %"
    return ""
