"""How fast bundles leave: a limit for each node, one for all together, and one on downloads at once."""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Final

from aggregator.domain.bandwidth import Bucket, full, spend
from aggregator.errors import BusyError

RETRY_S: Final = 10.0
SMALLEST_CHUNK_BYTES: Final = 1024
LARGEST_CHUNK_BYTES: Final = 16_384
_MOST_NODES: Final = 10_000
_ALL: Final = ""


class Bandwidth:
    """Buckets for nodes. A rate of 0 is no limit. Safe for use by many threads."""

    def __init__(
        self,
        node_bytes_per_s: int = 0,
        all_bytes_per_s: int = 0,
        downloads: int = 8,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._node_rate = node_bytes_per_s
        self._all_rate = all_bytes_per_s
        self._downloads = downloads
        self._clock = clock
        self._sleep = sleep
        self._buckets: OrderedDict[str, Bucket] = OrderedDict()
        self._running = 0
        self._lock = threading.Lock()

    @property
    def chunk_bytes(self) -> int:
        """So much is sent at once, so that a slow download still moves a few times a second."""
        rates = [rate // 4 for rate in (self._node_rate, self._all_rate) if rate]
        return max(SMALLEST_CHUNK_BYTES, min([LARGEST_CHUNK_BYTES, *rates]))

    def enter(self) -> None:
        """Begin a download, to be ended with ``leave``. Raises ``BusyError`` if too many run."""
        with self._lock:
            if self._running >= self._downloads:
                raise BusyError(RETRY_S)
            self._running += 1

    def leave(self) -> None:
        """End a download."""
        with self._lock:
            self._running -= 1

    def wait(self, node: str, size_bytes: int) -> None:
        """Wait until ``size_bytes`` more may go to ``node``."""
        with self._lock:
            wait_s = max(self._spend(key, size_bytes, rate) for key, rate in self._limits(node))
        if wait_s > 0:
            self._sleep(wait_s)

    def try_now(self, node: str, size_bytes: int) -> bool:
        """Whether ``size_bytes`` may go to ``node`` without waiting; then they are counted."""
        with self._lock:
            limits = self._limits(node)
            before = {key: self._buckets.get(key) for key, _ in limits}
            # A piece may be larger than the bucket: it goes while anything is left, and is waited for after.
            if any(rate and self._spend(key, 0, rate) > 0 for key, rate in limits):
                self._buckets.update({key: one for key, one in before.items() if one is not None})
                return False
            for key, rate in limits:
                self._spend(key, size_bytes, rate)
            return True

    def _limits(self, node: str) -> tuple[tuple[str, int], ...]:
        return ((node, self._node_rate), (_ALL, self._all_rate))

    def _spend(self, key: str, size_bytes: int, rate: int) -> float:
        if not rate:
            return 0.0
        now_s = self._clock()
        bucket = self._buckets.pop(key, None) or full(rate, now_s)
        self._buckets[key], wait_s = spend(bucket, size_bytes, rate, now_s)
        while len(self._buckets) > _MOST_NODES:
            self._buckets.popitem(last=False)
        return wait_s
