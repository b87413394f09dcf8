"""The capturing thread: opens the source, opens it again when it is lost, queues what it gives."""

import logging
import queue
import threading
import time
from collections.abc import Callable
from typing import Final

from edge_agent.capture.block import BLOCK_S, Block, Ended, Lost, Source
from edge_agent.errors import CaptureError

_QUEUE_S: Final = 4.0
_BACK_OFF_S: Final = (0.5, 10.0)

_log = logging.getLogger("edge_agent.capture")

Heard = Block | Lost | Ended


class Listener:
    """Turns a source into a bounded queue of what was heard, lost, and the end.

    A live source is never held back: what does not fit is lost, counted and told.
    """

    def __init__(
        self, source: Source, clock: Callable[[], float] = time.time, *, block_s: float = BLOCK_S
    ) -> None:
        self._source, self._clock, self._block_s = source, clock, block_s
        self._queue: queue.Queue[Heard] = queue.Queue(maxsize=round(_QUEUE_S / block_s))
        self._stop = threading.Event()
        self._missed: Lost | None = None
        self.tap: Callable[[Block], None] | None = None
        """Is given each block as it comes, before it waits in line; called in the capturing thread."""
        self.overruns = 0
        """Blocks that came too fast to be taken."""
        self.attempts = 0
        """Times that the source was opened, or tried to be."""
        self.problem = ""
        """Why nothing is heard now, if nothing is."""
        self._thread = threading.Thread(target=self._run, name="capture", daemon=True)

    def start(self) -> None:
        """Begin to listen."""
        self._thread.start()

    def get(self, timeout_s: float) -> Heard | None:
        """What comes next; ``None`` if nothing came in time."""
        try:
            return self._queue.get(timeout=timeout_s)
        except queue.Empty:
            return None

    @property
    def behind_s(self) -> float:
        """Sound of a live source that waits to be taken."""
        return self._queue.qsize() * self._block_s if self._source.live else 0.0

    def stop(self, timeout_s: float = 0.5) -> None:
        """End it; a sound card that hangs is left behind."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(timeout_s)

    def _run(self) -> None:
        back_off_s, lost_since_s = _BACK_OFF_S[0], self._clock()
        while not self._stop.is_set():
            self.attempts += 1
            try:
                self._source.open()
                heard_s = self._forward(lost_since_s)
                if heard_s is None:
                    return
                back_off_s, lost_since_s = _BACK_OFF_S[0], heard_s
            except CaptureError as error:
                self._fail(str(error))
                back_off_s = min(_BACK_OFF_S[1], back_off_s * 2)
            except Exception as error:  # a device library may raise anything; the thread must live
                self._fail(f"{type(error).__name__}: {error}")
                back_off_s = min(_BACK_OFF_S[1], back_off_s * 2)
            finally:
                self._close()
            self._stop.wait(back_off_s)

    def _forward(self, lost_since_s: float) -> float | None:
        """Queue until the source ends (``None``) or is lost (when the last sound was)."""
        heard_s = 0.0
        while not self._stop.is_set():
            try:
                item = self._source.read()
            except CaptureError as error:
                self._fail(str(error))
                if not heard_s:
                    raise
                return heard_s
            if item is None:
                self._put(Ended())
                return None
            if isinstance(item, Block):
                if not heard_s and self.attempts > 1:
                    self._put(Lost(reason="input_lost", start_s=lost_since_s, end_s=self._clock()))
                heard_s, self.problem = item.captured_s, ""
                if self.tap is not None:
                    self.tap(item)
            else:
                self.overruns += 1
            self._put(item)
        return None

    def _put(self, item: Heard) -> None:
        if not self._source.live:
            while not self._stop.is_set():
                try:
                    return self._queue.put(item, timeout=0.2)
                except queue.Full:
                    continue
            return None
        try:
            if self._missed is not None:
                self._queue.put_nowait(self._missed)
                self._missed = None
            self._queue.put_nowait(item)
        except queue.Full:
            self._miss(item)
        return None

    def _miss(self, item: Heard) -> None:
        self.overruns += 1
        end_s = item.captured_s if isinstance(item, Block) else self._clock()
        start_s = self._missed.start_s if self._missed else end_s - self._block_s
        self._missed = Lost(reason="overrun", start_s=start_s, end_s=end_s)

    def _fail(self, problem: str) -> None:
        if problem != self.problem:
            _log.warning("input is lost", extra={"error": problem})
        self.problem = problem[:300]

    def _close(self) -> None:
        try:
            self._source.close()
        except Exception as error:  # whatever it is, there is nothing left to close
            _log.debug("closing failed", extra={"error": str(error)})
