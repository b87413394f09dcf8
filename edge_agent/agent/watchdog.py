"""Sees whether the main loop goes on while a model is tried in it."""

import threading
import time
from collections.abc import Callable
from typing import Final

HANG_S: Final = 20.0
"""A main loop that stands still for so long hangs: a block of sound takes it a few milliseconds."""
_LOOK_S: Final = 1.0


class Watchdog:
    """Calls ``on_hang`` once, in a thread of its own, when ``progress`` stands still while it is watched."""

    def __init__(
        self, progress: Callable[[], int], on_hang: Callable[[float], None], hang_s: float = HANG_S
    ) -> None:
        self._progress, self._on_hang, self._hang_s = progress, on_hang, hang_s
        self._end: threading.Event | None = None

    def watch(self) -> None:
        """From now on."""
        self.end()
        self._end = threading.Event()
        threading.Thread(target=self._run, args=(self._end,), name="watchdog", daemon=True).start()

    def end(self) -> None:
        """No longer."""
        if self._end is not None:
            self._end.set()
            self._end = None

    def _run(self, end: threading.Event) -> None:
        seen, since_s = self._progress(), time.monotonic()
        while not end.wait(min(_LOOK_S, self._hang_s / 4)):
            now = self._progress()
            if now != seen:
                seen, since_s = now, time.monotonic()
            elif time.monotonic() - since_s >= self._hang_s:
                self._on_hang(time.monotonic() - since_s)
                return
