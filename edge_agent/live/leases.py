"""Who listens, and until when. Pure: leases in, leases out; the caller brings the clock."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from contract.live import LONGEST_LEASE_S, Listen

MOST_SESSIONS: Final = 3
"""Each is encoded by itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """One session's time."""

    listen: Listen
    issued_s: float
    """By the clock of who listens: of two orders the later one counts, however they come."""
    until_s: float
    """By the node's steady clock."""


Leases = Mapping[str, Lease]
"""By session, those that have ended included while an earlier order for them may still come."""


def ordered(leases: Leases, listen: Listen, issued_s: float, now_s: float) -> Leases:
    """``leases`` after an order; the same if it is out of date, or one session too many."""
    before = leases.get(listen.session)
    if before is not None and issued_s <= before.issued_s:
        return leases
    others = len(running(leases, now_s).keys() - {listen.session})
    if listen.lease_s and others >= MOST_SESSIONS:
        return leases
    lease = Lease(listen=listen, issued_s=issued_s, until_s=now_s + listen.lease_s)
    return {name: one for name, one in leases.items() if now_s < one.until_s + LONGEST_LEASE_S} | {
        listen.session: lease
    }


def running(leases: Leases, now_s: float) -> Leases:
    """Those that have not ended."""
    return {name: lease for name, lease in leases.items() if now_s < lease.until_s}
