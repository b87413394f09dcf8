"""Who may be let in, who is, and who no longer: for people."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from aggregator.domain.enrolment import standing
from aggregator.store import enrolment as store
from aggregator.store.database import Database


@dataclass(frozen=True, slots=True, kw_only=True)
class EnrolmentView:
    """One name."""

    node: str
    standing: str
    """invited, lapsed (the token expired unused), enrolled, due, expired or revoked."""
    generation: int
    """How often a node of that name has joined; 0: never."""
    serial: str
    issued_s: float | None
    not_after_s: float | None
    revoked_s: float | None
    reason: str
    token_until_s: float | None
    """An open token lets somebody in until then."""


class EnrolmentViews:
    """Reads invitations and certificates."""

    def __init__(self, database: Database, *, now: Callable[[], float] = time.time) -> None:
        self._database, self._now = database, now

    def every(self) -> list[EnrolmentView]:
        """Every name that was ever invited, in alphabetical order."""
        with self._database.read() as connection:
            certificates = {row.node: row for row in store.newest_certificates(connection)}
            invitations = {row.node: row for row in store.newest_invitations(connection)}
        now_s = self._now()
        views = []
        for node in sorted({*certificates, *invitations}):
            held, invited = certificates.get(node), invitations.get(node)
            open_until_s = invited.expires_s if invited is not None and invited.ended_s is None else None
            views.append(
                EnrolmentView(
                    node=node,
                    standing=standing(
                        now_s,
                        not_before_s=held and held.not_before_s, not_after_s=held and held.not_after_s,
                        revoked=held is not None and held.revoked_s is not None, token_until_s=open_until_s,
                    ),
                    generation=held.generation if held else 0, serial=held.serial if held else "",
                    issued_s=held and held.issued_s, not_after_s=held and held.not_after_s,
                    revoked_s=held and held.revoked_s, reason=held.reason if held else "",
                    token_until_s=open_until_s if open_until_s and open_until_s > now_s else None,
                )
            )  # fmt: skip
        return views
