"""Waiting for what another thread, process or broker does."""

import time
from collections.abc import Callable


def wait_until(true: Callable[[], bool], what: str = "it becomes true", timeout_s: float = 40.0) -> None:
    """Until ``true``; the test fails if that takes too long."""
    deadline = time.monotonic() + timeout_s
    while not true():
        assert time.monotonic() < deadline, f"waited in vain: {what}"
        time.sleep(0.02)
