"""How long somebody who failed has to wait before the next attempt."""

from collections.abc import Callable
from threading import Lock
from typing import Final

MEMORY_S: Final = 900.0
MOST_CLIENTS: Final = 10_000


class Attempts:
    """Counts failures per client: after ``free`` of them each further one doubles the wait, from one second.

    >>> attempts = Attempts(free=1, clock=lambda: 0.0)
    >>> attempts.fail("a"); attempts.wait_s("a")
    0.0
    >>> attempts.fail("a"); attempts.fail("a"); attempts.wait_s("a"), attempts.wait_s("b")
    (2.0, 0.0)
    """

    def __init__(self, *, free: int, clock: Callable[[], float], longest_wait_s: float = 300.0) -> None:
        self._free = free
        self._longest_wait_s = longest_wait_s
        self._clock = clock
        self._lock = Lock()
        self._failures: dict[str, tuple[int, float]] = {}

    def wait_s(self, client: str) -> float:
        """Seconds until ``client`` may try again; 0 if now."""
        with self._lock:
            count, last_s = self._failures.get(client, (0, 0.0))
            if count <= self._free:
                return 0.0
            pause_s = min(2.0 ** min(count - self._free - 1, 60), self._longest_wait_s)
            return max(0.0, last_s + pause_s - self._clock())

    def fail(self, client: str) -> None:
        """``client`` has failed."""
        now_s = self._clock()
        with self._lock:
            count, last_s = self._failures.pop(client, (0, now_s))
            self._failures[client] = (1 if now_s - last_s > MEMORY_S else count + 1, now_s)
            while len(self._failures) > MOST_CLIENTS:
                del self._failures[next(iter(self._failures))]

    def succeed(self, client: str) -> None:
        """``client`` was right: its failures are forgotten."""
        with self._lock:
            self._failures.pop(client, None)
