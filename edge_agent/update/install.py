"""One way of an update: look at what is signed, download, verify, stage, self-test."""

import threading
from typing import Protocol

from contract.updates import Desired
from edge_agent.update.outcomes import Outcome


class Tell(Protocol):
    """Hears how far an installation is: a word of ``contract.updates.PHASES``."""

    def __call__(  # noqa: D102
        self, phase: str, reason: str = "", done_bytes: int = 0, total_bytes: int = 0
    ) -> None: ...


class Installer:
    """Made by ``make_installer``; one thread at a time."""

    def step(self, desired: Desired, stop: threading.Event) -> Outcome:
        """Bring ``desired.release`` as far as it goes now; blocks, for minutes on a slow link.

        ``stop`` may be set from elsewhere: this then returns ``Waiting(0, …)`` within about a second, and
        what was downloaded is kept. Call again with the same or another ``desired``, also after a restart:
        it goes on where it was. ``Refused`` has been remembered (``ModelStore.failed``). Raises nothing but
        ``ValueError`` for a ``desired`` without a release. Tells offered, downloading (again and again, with
        bytes), verified, staged, self_tested, refused. Puts nothing in service: ``begin_probation`` does.
        """
        raise NotImplementedError

    def desired(self, last: Desired) -> Desired | None:
        """What the aggregator wants now, asked over HTTP as ``last`` says; None: no answer."""
        raise NotImplementedError
