"""Commands of the aggregator: obeyed once, not after they expire; what they change survives a restart."""

import json
import logging
import os
import queue
import time
from collections import deque
from pathlib import Path
from typing import Any, Final

from contract.commands import Command
from contract.messages import PUBLISH_POLICIES

_REMEMBERED: Final = 200

_log = logging.getLogger("edge_agent.agent")


class Orders:
    """Commands that wait to be obeyed, and the publishing policy that they left behind.

    A policy that was commanded stays in force until the configured one is changed.
    """

    def __init__(self, folder: Path, configured: str) -> None:
        self._path, self._configured = folder / "orders.json", configured
        self._queue: queue.SimpleQueue[Command] = queue.SimpleQueue()
        self._seen: deque[str] = deque(maxlen=_REMEMBERED)
        self.policy = configured
        """Publishing policy in force."""
        self._restore(self._read())

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
            taken.append(command)
        if taken:
            self._write()
        return taken

    def _restore(self, plain: dict[str, Any]) -> None:
        seen, policy = plain.get("seen"), plain.get("policy")
        if isinstance(seen, list):
            self._seen.extend(item for item in seen if isinstance(item, str))
        if policy in PUBLISH_POLICIES and plain.get("instead_of") == self._configured:
            self.policy = str(policy)

    def _read(self) -> dict[str, Any]:
        try:
            plain = json.loads(self._path.read_text())
        except (OSError, ValueError):
            return {}
        return plain if isinstance(plain, dict) else {}

    def _write(self) -> None:
        """Beside the old file, synced, then in its place: a power cut leaves one of the two."""
        plain = {"policy": self.policy, "instead_of": self._configured, "seen": list(self._seen)}
        beside = self._path.with_suffix(".new")
        try:
            with beside.open("w") as file:
                json.dump(plain, file)
                file.flush()
                os.fsync(file.fileno())
            beside.replace(self._path)
        except OSError as error:
            _log.error("orders cannot be kept", extra={"file": str(self._path), "error": str(error)})
