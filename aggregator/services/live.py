"""What is new in the store, for any number of listeners, from any process.

The feed tails the store by id, so that the dashboard may run apart from ingest. One thread polls for all
listeners, and only while there is one.
"""

import contextlib
import logging
import queue
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Final

from aggregator.errors import StoreError
from aggregator.services.detections import DetectionView
from aggregator.services.nodes import NodeView
from aggregator.services.tail import MOST_AT_ONCE, News, Place, Tail, WindowArrival
from aggregator.store.database import Database

__all__ = ["Listener", "LiveChange", "LiveFeed", "WindowArrival"]

MOST_WAITING: Final = 256
POLLS_PER_ROUND: Final = 8
"""So often the whole fleet is looked at for nodes that have fallen silent."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveChange:
    """What happened since the listener was last told."""

    cursor: str
    """Opaque; with it a listener that lost its connection goes on where it was (``Last-Event-ID``)."""
    detections: tuple[DetectionView, ...]
    """Oldest first."""
    windows: tuple[WindowArrival, ...]
    nodes: tuple[NodeView, ...]
    """Nodes of which anything changed: level, state, health."""


class Listener:
    """One subscriber's end of the feed."""

    def __init__(self) -> None:
        self._changes: queue.Queue[LiveChange | None] = queue.Queue(MOST_WAITING)
        self._closed = False

    def next(self, timeout_s: float) -> LiveChange | None:
        """The next change.

        None after ``timeout_s`` without one (send a comment to keep the line open) or when ``closed``.
        """
        try:
            return self._changes.get(block=not self._closed, timeout=timeout_s)
        except queue.Empty:
            return None

    @property
    def closed(self) -> bool:
        """Whether the feed has ended: the stream should end too."""
        return self._closed

    def tell(self, change: LiveChange) -> None:
        """Put a change in line. A listener that does not keep up is closed: it comes again."""
        try:
            self._changes.put_nowait(change)
        except queue.Full:
            self._closed = True

    def close(self) -> None:
        """End the listener; whoever waits is woken."""
        self._closed = True
        with contextlib.suppress(queue.Full):
            self._changes.put_nowait(None)


class LiveFeed:
    """Polls the store for its listeners, in one thread that runs while there is any.

    ``with feed.listen(last_event_id) as listener: while not listener.closed: change = listener.next(15)``
    """

    def __init__(self, database: Database, *, poll_s: float = 0.25, silent_after_s: float = 30.0) -> None:
        self._tail = Tail(database, silent_after_s=silent_after_s)
        self._poll_s = poll_s
        self._lock = threading.Lock()
        self._listeners: list[Listener] = []
        self._thread: threading.Thread | None = None
        self._place = Place(detection=0, window=0, revision=0)
        self._ended = threading.Event()

    @contextmanager
    def listen(self, cursor: str | None = None) -> Iterator[Listener]:
        """A listener that is told what comes from now on, or since ``cursor`` if that is not too old."""
        listener = Listener()
        self._add(listener, Place.read(cursor))
        try:
            yield listener
        finally:
            with self._lock, contextlib.suppress(ValueError):
                self._listeners.remove(listener)

    def close(self) -> None:
        """End every listener and the thread."""
        self._ended.set()
        with self._lock:
            listeners, thread = list(self._listeners), self._thread
        for listener in listeners:
            listener.close()
        if thread is not None:
            thread.join(timeout=5)

    def _add(self, listener: Listener, since: Place | None) -> None:
        with self._lock:
            if self._ended.is_set():
                listener.close()
                return
            if self._thread is None:
                self._place = self._tail.place()
                self._thread = threading.Thread(target=self._poll, name="live-feed", daemon=True)
                self._thread.start()
            if since is not None and 0 <= self._place.detection - since.detection <= MOST_AT_ONCE:
                missed = self._tail.after(since)
                told_soon = self._place.detection  # the thread tells what is newer
                kept = tuple(item for item in missed.detections if item.id <= told_soon)
                _tell([listener], replace(missed, place=self._place, detections=kept))
            self._listeners.append(listener)

    def _poll(self) -> None:
        polls = 0
        while not self._ended.wait(self._poll_s):
            polls += 1
            with self._lock:
                if not self._listeners:
                    self._thread = None
                    return
                try:
                    self._look(whole_fleet=polls % POLLS_PER_ROUND == 0)
                except StoreError as error:
                    _log.warning("the live feed cannot read the database: %s", error)

    def _look(self, *, whole_fleet: bool) -> None:
        news = self._tail.after(self._place)
        self._place = news.place
        if whole_fleet:
            news = replace(news, nodes=news.nodes + self._tail.fallen_silent())
        _tell(self._listeners, news)


def _tell(listeners: list[Listener], news: News) -> None:
    if news.detections or news.windows or news.nodes:
        change = LiveChange(
            cursor=news.place.cursor(),
            detections=news.detections,
            windows=news.windows,
            nodes=news.nodes,
        )
        for listener in listeners:
            listener.tell(change)
