"""Who hears: the station by itself, or what an update has put around it for a while."""

import logging
import queue
from collections.abc import Callable
from typing import Protocol

from edge_agent.agent.station import Station
from edge_agent.capture import Block, Lost

_log = logging.getLogger("edge_agent.agent")


class Guest(Protocol):
    """A trial or a shadow: it hears in the station's stead until it is over."""

    over: bool

    def begin(self) -> None: ...  # noqa: D102
    def hear(self, block: Block) -> None: ...  # noqa: D102
    def lose(self, lost: Lost) -> None: ...  # noqa: D102
    def cancel(self, reason: str) -> None: ...  # noqa: D102


class Stage:
    """Everything happens in the main loop; ``invite`` and ``dismiss`` may be called from any thread."""

    def __init__(self, station: Station) -> None:
        self._station = station
        self._guest: Guest | None = None
        self._errands: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self.progress = 0
        """Grows as long as the main loop runs."""

    def hear(self, block: Block) -> None:
        """More sound."""
        self.look()
        if self._guest is None:
            self._station.hear(block)
            return
        self._guest.hear(block)
        self._see_off()

    def lose(self, lost: Lost) -> None:
        """Sound is missing here."""
        (self._guest or self._station).lose(lost)

    def look(self) -> None:
        """Do what was asked for; call it often, also when no sound comes."""
        self.progress += 1
        while not self._errands.empty():
            self._errands.get()()

    def invite(self, guest: Guest) -> None:
        """From the next block on ``guest`` hears, unless another one does."""
        self._errands.put(lambda: self._enter(guest))

    def dismiss(self, reason: str) -> None:
        """The guest, if there is one, shall end."""
        self._errands.put(lambda: self._cancel(reason))

    def _enter(self, guest: Guest) -> None:
        if self._guest is not None:
            _log.error("a second model was to be tried beside the first; it is not")
            return
        guest.begin()
        self._guest = guest
        self._see_off()

    def _cancel(self, reason: str) -> None:
        if self._guest is not None:
            self._guest.cancel(reason)
            self._see_off()

    def _see_off(self) -> None:
        if self._guest is not None and self._guest.over:
            self._guest = None
