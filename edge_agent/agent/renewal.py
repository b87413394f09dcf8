"""Looks after the node's certificate: has it renewed in time, or when the aggregator asks for it."""

import logging
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from edge_agent.errors import EdgeError
from edge_agent.settings.enrolled import Enrolled, read_enrolled

_CHILD: Final = "edge_agent.enrolment.renewing"
_LOOK_EVERY_S: Final = 3600.0
_CHILD_S: Final = 120.0
_DAY_S: Final = 86_400.0

_log = logging.getLogger("edge_agent.enrolment")


class Renewal:
    """One thread. The work is done in a child process: the agent itself does without cryptography."""

    def __init__(
        self, folder: Path, on_new: Callable[[], None], now: Callable[[], float] = time.time
    ) -> None:
        """``on_new`` is called when another certificate lies there."""
        self._folder, self._on_new, self._now = folder, on_new, now
        self._wake = threading.Condition()
        self._asked = self._stopping = False
        self.problem = ""
        """Why the certificate could not be renewed, if it is about to expire."""
        self._thread = threading.Thread(target=self._run, name="renewal", daemon=True)

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def renew(self) -> None:
        """Take another key and certificate now."""
        with self._wake:
            self._asked = True
            self._wake.notify_all()

    def stop(self) -> None:
        """No more."""
        with self._wake:
            self._stopping = True
            self._wake.notify_all()

    def _run(self) -> None:
        while not self._stopping:
            with self._wake:
                asked, self._asked = self._asked, False
            try:
                self._look(asked=asked)
            except (EdgeError, OSError, subprocess.SubprocessError) as error:
                self._tell(str(error))
            with self._wake:
                self._wake.wait_for(lambda: self._stopping or self._asked, timeout=_LOOK_EVERY_S)

    def _look(self, *, asked: bool) -> None:
        record = read_enrolled(self._folder)
        if record is None:
            return
        if asked or record.is_due(self._now()):
            self._child("renew")
            _log.info("certificate renewed", extra={"node": record.node})
            self._on_new()
        elif not record.confirmed:
            self._child("confirm")
        self.problem = ""

    def _child(self, task: str) -> None:
        done = subprocess.run(
            [sys.executable, "-m", _CHILD, str(self._folder), task],
            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=_CHILD_S, check=False,
        )  # fmt: skip
        if done.returncode:
            said = done.stderr.strip().splitlines()
            raise EdgeError(said[-1][:300] if said else f"ended with status {done.returncode}")

    def _tell(self, error: str) -> None:
        _log.warning("certificate cannot be renewed", extra={"error": error[:300]})
        left_s = _left_s(self._folder, self._now())
        if left_s is not None:
            self.problem = (
                f"the certificate ends in {left_s / _DAY_S:.0f} days and cannot be renewed: {error}"
            )


def _left_s(folder: Path, now_s: float) -> float | None:
    """None if there is time yet, or nothing that could end."""
    try:
        record: Enrolled | None = read_enrolled(folder)
    except EdgeError:
        return None
    return record.not_after_s - now_s if record is not None and record.is_due(now_s) else None
