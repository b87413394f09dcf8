"""Commands of the aggregator: obeyed once, not after they expire; what they change survives a restart."""

import logging
import queue
import time
from collections import deque
from pathlib import Path
from typing import Any, Final

from contract.commands import Command
from contract.messages import PUBLISH_POLICIES
from contract.sampling import Sampling
from edge_agent.agent import kept

_REMEMBERED: Final = 200

_log = logging.getLogger("edge_agent.agent")


class Orders:
    """Commands that wait to be obeyed, and the policies that they left behind.

    A policy that was commanded stays in force until the configured one is changed.
    """

    def __init__(self, folder: Path, configured: str, sampling: Sampling) -> None:
        self._path, self._configured, self._own_sampling = folder / "orders.json", configured, sampling
        self._queue: queue.SimpleQueue[Command] = queue.SimpleQueue()
        self._seen: deque[str] = deque(maxlen=_REMEMBERED)
        self.policy = configured
        """Publishing policy in force."""
        self.sampling = sampling
        """What is sent to learn from, in force."""
        self.problem = ""
        """Why it is not known what was commanded earlier, and so what is private; empty if it is known."""
        self._restore()

    def receive(self, command: Command) -> None:
        """Queue a command; from any thread."""
        self._queue.put(command)

    def take(self) -> list[Command]:
        """Commands to be obeyed now: not seen before, not expired."""
        taken = []
        while not self._queue.empty():
            command = self._queue.get()
            if command.id in self._seen:
                continue
            self._seen.append(command.id)
            if command.expires_s < time.time():
                _log.warning("command has expired", extra={"action": command.action, "id": command.id})
                continue
            if command.publish is not None:
                self.policy = command.publish
            if command.sampling is not None:
                self.sampling, self.problem = command.sampling, ""
            taken.append(command)
        if taken:
            self._write()
        return taken

    def _restore(self) -> None:
        try:
            plain = kept.read(self._path) or {}
            self._restore_sampling(plain)
        except (OSError, ValueError) as error:
            self.problem = (
                f"what was commanded earlier, and so what is private, cannot be read ({self._path}): no "
                "window is sent; delete the file and start again, or set another sampling on the dashboard"
            )
            _log.error("orders cannot be read", extra={"file": str(self._path), "error": str(error)})
            return
        seen, policy = plain.get("seen"), plain.get("policy")
        if isinstance(seen, list):
            self._seen.extend(item for item in seen if isinstance(item, str))
        if policy in PUBLISH_POLICIES and plain.get("instead_of") == self._configured:
            self.policy = str(policy)

    def _restore_sampling(self, plain: dict[str, Any]) -> None:
        """Raises ``ContractError``, a ``ValueError``."""
        if "sampling" not in plain:
            return
        if Sampling.from_plain(plain.get("sampling_instead_of")) == self._own_sampling:
            self.sampling = Sampling.from_plain(plain["sampling"])

    def _write(self) -> None:
        if self.problem:
            return
        plain = {
            "policy": self.policy,
            "instead_of": self._configured,
            "sampling": self.sampling.to_plain(),
            "sampling_instead_of": self._own_sampling.to_plain(),
            "seen": list(self._seen),
        }
        try:
            kept.write(self._path, plain)
        except OSError as error:
            _log.error("orders cannot be kept", extra={"file": str(self._path), "error": str(error)})
