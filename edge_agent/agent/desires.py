"""What was desired last, kept on the disk: a node that starts without its broker still knows where to ask."""

import logging
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from contract.updates import Desired
from edge_agent.agent import kept

_log = logging.getLogger("edge_agent.update")


class Desires:
    """One small file that only this user may read: the token in it opens the node's own downloads."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "desired.json"
        self._kept: Desired | None = None

    def keep(self, desired: Desired) -> None:
        """For the next start. A disk that refuses is no reason not to update."""
        if desired == self._kept:
            return
        self._kept = desired
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            kept.write(self._path, desired.to_plain(), mode=0o600)
        except OSError as error:
            _log.warning("what is desired cannot be kept",
                         extra={"file": str(self._path), "error": str(error)})  # fmt: skip

    def restore(self, receive: Callable[[Desired], None]) -> None:
        """What was kept, if there is anything; whatever comes from the aggregator is later than that."""
        last = self.last()
        if last is not None:
            self._kept = last
            receive(replace(last, serial=0))

    def last(self) -> Desired | None:
        """As it was received."""
        try:
            plain = kept.read(self._path)
            return Desired.from_plain(plain) if plain is not None else None
        except (OSError, ValueError) as error:
            _log.warning("what was desired cannot be read",
                         extra={"file": str(self._path), "error": str(error)})  # fmt: skip
            return None
