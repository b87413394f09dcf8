"""Runs the index of cards beside the dashboard, so that neither ingest nor a page waits for it."""

import logging
import threading
import time
from typing import Final

from aggregator.errors import AggregatorError
from aggregator.services.card_index import CardIndex

IDLE_S: Final = 1.0
FAILED_S: Final = 10.0
REST: Final = 2.0
"""After a step the thread rests so many times as long as the step took: others come first."""

SHORTEST_REST_S: Final = 0.01

_log = logging.getLogger(__name__)


class Indexing:
    """One thread that makes cards until it is closed."""

    def __init__(self, index: CardIndex) -> None:
        self._index = index
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="card-index", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def close(self) -> None:
        """End after the step that is being done."""
        self._stopped.set()

    def _run(self) -> None:
        pause_s = 0.0
        while not self._stopped.wait(pause_s):
            began_s = time.monotonic()
            try:
                more = self._index.step()
            except AggregatorError as error:
                _log.error("cards cannot be made: %s", error)
                pause_s = FAILED_S
                continue
            except Exception:
                _log.exception("cards cannot be made")
                pause_s = FAILED_S
                continue
            took_s = time.monotonic() - began_s
            pause_s = max(SHORTEST_REST_S, REST * took_s) if more else IDLE_S
