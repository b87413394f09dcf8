"""Child processes that are started again when they fall over, and ended together."""

import logging
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Final

SHORTEST_WAIT_S: Final = 0.5
LONGEST_WAIT_S: Final = 30.0
STEADY_S: Final = 60.0
"""A child that ran so long is not one that cannot start."""

STOP_S: Final = 5.0
POLL_S: Final = 0.1

_log = logging.getLogger(__name__)


class Child:
    """One process that should always run."""

    def __init__(self, name: str, command: Sequence[str], environment: Mapping[str, str]) -> None:
        self.name = name
        self._command = list(command)
        self._environment = dict(environment)
        self._process: subprocess.Popen[bytes] | None = None
        self._started_s = 0.0
        self._failures = 0
        self._next_start_s = 0.0

    def watch(self) -> None:
        """Start it if it does not run and the wait after its last fall is over."""
        now_s = time.monotonic()
        if self._process is None:
            if now_s >= self._next_start_s:
                self._start()
        elif self._process.poll() is not None:
            self._failures = 1 if now_s - self._started_s > STEADY_S else self._failures + 1
            wait_s = min(SHORTEST_WAIT_S * 2.0 ** min(self._failures - 1, 10), LONGEST_WAIT_S)
            _log.error("%s has ended (exit status %d), next start in %.1f s",
                       self.name, self._process.returncode, wait_s)  # fmt: skip
            self._close()
            self._next_start_s = now_s + wait_s

    def terminate(self) -> None:
        """Ask it to end."""
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()

    def join(self, deadline_s: float) -> None:
        """Wait for its end until ``deadline_s`` (``time.monotonic``), then force it."""
        if self._process is None:
            return
        try:
            self._process.wait(max(0.1, deadline_s - time.monotonic()))
        except subprocess.TimeoutExpired:
            _log.warning("%s does not stop and is killed", self.name)
            self._process.kill()
            self._process.wait()
        self._close()

    def _start(self) -> None:
        # The open pipe tells the child that its parent lives; see ``programs``.
        self._process = subprocess.Popen(self._command, stdin=subprocess.PIPE, env=self._environment)
        self._started_s = time.monotonic()
        _log.info("%s runs as process %d", self.name, self._process.pid)

    def _close(self) -> None:
        if self._process is not None and self._process.stdin is not None:
            self._process.stdin.close()
        self._process = None


def supervise(children: Sequence[Child], stopped: Callable[[], bool]) -> None:
    """Keep ``children`` running until ``stopped``, then end them all within seconds."""
    try:
        while not stopped():
            for child in children:
                child.watch()
            time.sleep(POLL_S)
    finally:
        for child in children:
            child.terminate()
        deadline_s = time.monotonic() + STOP_S
        for child in children:
            child.join(deadline_s)
