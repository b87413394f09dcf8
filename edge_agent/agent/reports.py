"""Tells how far an update is: through the outbox, so that no word of it is lost."""

import logging
import time
from collections.abc import Callable
from typing import Final, Protocol

from contract.topics import UPDATE, Topic
from contract.updates import Desired
from edge_agent.agent.reporting import Identity
from edge_agent.agent.update_reporting import update
from edge_agent.outbox import Build, Counters

_DOWNLOADING_EVERY_S: Final = 10.0
_COMMITTED_S: Final = 5.0

_log = logging.getLogger("edge_agent.update")


class Keeps(Protocol):
    """What is needed of an outbox."""

    @property
    def counters(self) -> Counters: ...  # noqa: D102
    def append(self, topic: Topic, build: Build) -> int: ...  # noqa: D102


class Reports:
    """From the updater's thread and, before the agent starts itself again, the watchdog's."""

    def __init__(self, outbox: Keeps, identity: Callable[[], Identity]) -> None:
        """``identity`` is of the model in service at the moment."""
        self._outbox, self._identity = outbox, identity
        self._desired: Desired | None = None
        self._begun_s = self._told_s = 0.0

    def begin(self, desired: Desired) -> None:
        """What ``tell`` is about from now on."""
        before = self._desired
        if before is None or (before.release, before.attempt) != (desired.release, desired.attempt):
            self._begun_s = time.monotonic()
        self._desired = desired

    def tell(self, phase: str, reason: str = "", done_bytes: int = 0, total_bytes: int = 0) -> None:
        """A phase of the installation; of a download not every piece is told."""
        desired, now_s = self._desired, time.monotonic()
        if desired is None:
            return
        if phase == "downloading":
            if done_bytes < total_bytes and now_s < self._told_s + _DOWNLOADING_EVERY_S:
                return
            self._told_s = now_s
        self._append(desired, phase, reason, done_bytes, total_bytes)

    def tell_of(self, desired: Desired, phase: str, reason: str = "") -> int:
        """Any phase of any order; the sequence of the message."""
        return self._append(desired, phase, reason, 0, 0)

    def tell_surely(self, desired: Desired, phase: str, reason: str) -> None:
        """The same, and wait until it is on the disk; ``OSError`` if it does not get there."""
        sequence = self.tell_of(desired, phase, reason)
        deadline_s = time.monotonic() + _COMMITTED_S
        while self._outbox.counters.last_sequence < sequence:
            if time.monotonic() > deadline_s:
                raise OSError("the outbox takes nothing")
            time.sleep(0.02)

    def _append(self, desired: Desired, phase: str, reason: str, done_bytes: int, total_bytes: int) -> int:
        _log.info("update", extra={"phase": phase, "release": desired.release, "reason": reason})
        seconds = time.monotonic() - self._begun_s if self._desired is desired else 0.0
        build = update(
            self._identity(), desired, phase, reason, done_bytes=done_bytes, total_bytes=total_bytes,
            seconds=max(0.0, seconds),
        )  # fmt: skip
        return self._outbox.append(UPDATE, build)
