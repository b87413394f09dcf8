"""What keeps the list of what is revoked, and the aggregator's own certificates, as they should be."""

from collections.abc import Callable

from aggregator.services.authority import AGGREGATOR, AuthorityService
from aggregator.services.enrolment import EnrolmentService


class EnrolmentUpkeep:
    """Writes the list anew where a stop came between database and list; renews what expires."""

    def __init__(
        self, enrolment: EnrolmentService, authority: AuthorityService, renew_web: Callable[[], object]
    ) -> None:
        self._enrolment, self._authority, self._renew_web = enrolment, authority, renew_web

    def step(self) -> bool:
        """Do what is due. There is never more to do at once."""
        if self._authority.is_made:
            self._enrolment.publish()
            if (self._authority.folder / f"{AGGREGATOR}.pem").exists():
                self._authority.own(AGGREGATOR)
            self._renew_web()
        return False
