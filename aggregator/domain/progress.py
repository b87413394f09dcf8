"""How far the messages of one boot have come: what may be acknowledged, what is missing."""

from collections.abc import Iterable
from typing import Final

from aggregator.domain.sequences import Ranges

REFUSED_LIMIT: Final = 100
"""At most so many refused sequences fit into an acknowledgement."""


class Progress:
    """The sequences of one boot that came, and those that its node declared as dropped.

    >>> progress = Progress(received=Ranges([(1, 2), (5, 5)]), declared=Ranges([(3, 3)]))
    >>> progress.through()
    3
    >>> progress.declare(4, 4)
    >>> progress.through(), progress.missing()
    (5, 2)
    """

    def __init__(
        self,
        *,
        received: Ranges | None = None,
        declared: Ranges | None = None,
        refused: Iterable[int] = (),
        through: int = 0,
    ) -> None:
        self._received = received or Ranges()
        self._declared = declared or Ranges()
        self._refused = set(refused)
        self._through = through

    def receive(self, sequence: int, *, refused: bool = False) -> None:
        """``sequence`` has come; ``refused`` if it was quarantined."""
        self._received.add(sequence, sequence)
        if refused:
            self._refused.add(sequence)

    def declare(self, first: int, last: int) -> None:
        """The node has dropped ``first`` to ``last``."""
        self._declared.add(first, last)

    def through(self) -> int:
        """The highest sequence up to which nothing is outstanding; 0 if already the first is."""
        while True:
            reached = max(
                self._received.run_from(self._through + 1) or 0,
                self._declared.run_from(self._through + 1) or 0,
            )
            if reached <= self._through:
                return self._through
            self._through = reached

    def refused_beyond(self) -> tuple[int, ...]:
        """Quarantined sequences after ``through``, the lowest first, as many as an acknowledgement holds."""
        through = self.through()
        self._refused = {sequence for sequence in self._refused if sequence > through}
        return tuple(sorted(self._refused)[:REFUSED_LIMIT])

    def missing(self) -> int:
        """How many sequences were declared as dropped and never came."""
        return self._declared.count() - self._declared.shared_with(self._received)
