"""Holds a download to a rate, and notices one that is too slow to ever end."""

import threading
import time
from collections.abc import Callable, Iterator
from typing import Final

from edge_agent.update.source import FetchError

SLOWEST_BYTES_PER_S: Final = 20
WATCHED_S: Final = 60.0
_NAP_S: Final = 0.5


def paced(
    chunks: Iterator[bytes],
    limit_bytes_per_s: int,
    stop: threading.Event,
    *,
    clock_s: Callable[[], float] = time.monotonic,
    wait: Callable[[float], object] | None = None,
) -> Iterator[bytes]:
    """The chunks, no faster than the limit (0: none) on average, until ``stop``.

    ``FetchError`` if less than a trickle came for a minute: whoever holds the line may want just that.
    """
    begun_s = window_s = clock_s()
    came_bytes = window_bytes = 0
    for chunk in chunks:
        if stop.is_set():
            return
        yield chunk
        came_bytes += len(chunk)
        window_bytes += len(chunk)
        now_s = clock_s()
        if now_s - window_s > WATCHED_S:
            if window_bytes < SLOWEST_BYTES_PER_S * (now_s - window_s):
                raise FetchError(f"only {window_bytes} bytes came in {now_s - window_s:.0f} s")
            window_s, window_bytes = now_s, 0
        if limit_bytes_per_s:
            _rest(begun_s + came_bytes / limit_bytes_per_s, stop, clock_s, wait or stop.wait)


def _rest(
    until_s: float, stop: threading.Event, clock_s: Callable[[], float], wait: Callable[[float], object]
) -> None:
    while not stop.is_set() and (left_s := until_s - clock_s()) > 0:
        wait(min(left_s, _NAP_S))
