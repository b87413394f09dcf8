"""Slow work beside the dashboard, in small steps, so that neither ingest nor a page waits for it."""

import logging
import threading
import time
from dataclasses import dataclass
from typing import Final, Protocol

from aggregator.errors import AggregatorError

FAILED_S: Final = 10.0
REST: Final = 2.0
"""After a step the thread rests so many times as long as the step took: others come first."""

SHORTEST_REST_S: Final = 0.01

_log = logging.getLogger(__name__)


class Steps(Protocol):
    """Work that is done a step at a time."""

    def step(self) -> bool:
        """Do one small piece of work; whether there is more to do at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """Work, and how often it is looked after."""

    name: str
    work: Steps
    idle_s: float
    """With nothing to do, the next step is that far."""
    complaint: str
    """What the log says when a step fails."""


class Background:
    """One thread for each task, until it is closed."""

    def __init__(self, *tasks: Task) -> None:
        self._stopped = threading.Event()
        self._threads = [
            threading.Thread(target=self._run, args=(task,), name=task.name, daemon=True) for task in tasks
        ]

    def start(self) -> None:
        """Begin."""
        for thread in self._threads:
            thread.start()

    def close(self) -> None:
        """End after the steps that are being done."""
        self._stopped.set()

    def _run(self, task: Task) -> None:
        pause_s = 0.0
        while not self._stopped.wait(pause_s):
            began_s = time.monotonic()
            try:
                more = task.work.step()
            except AggregatorError as error:
                _log.error("%s: %s", task.complaint, error)
                pause_s = max(FAILED_S, task.idle_s)
                continue
            except Exception:
                _log.exception("%s", task.complaint)
                pause_s = max(FAILED_S, task.idle_s)
                continue
            took_s = time.monotonic() - began_s
            pause_s = max(SHORTEST_REST_S, REST * took_s) if more else task.idle_s
