"""What is new in the store, for any number of listeners, from any process.

The feed tails the store by id, so that the dashboard may run apart from ingest. One thread polls for all
listeners, and only while there is one.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from sqlalchemy import Engine

from aggregator.services.detections import DetectionView
from aggregator.services.fleet import NodeView


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowArrival:
    """The features of a detection have come: its thumbnail can be drawn."""

    window_id: int
    detection_id: int


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

    def next(self, timeout_s: float) -> LiveChange | None:
        """The next change; None after ``timeout_s`` without one (send a comment to keep the line open) or
        when the feed is closed (see ``closed``)."""
        raise NotImplementedError

    @property
    def closed(self) -> bool:
        """Whether the feed has ended: the stream should end too."""
        raise NotImplementedError


class LiveFeed:
    """Polls the store for its listeners.

    >>> # with feed.listen(request.headers.get("Last-Event-ID")) as listener:
    >>> #     while not listener.closed:
    >>> #         change = listener.next(timeout_s=15)
    """

    def __init__(self, engine: Engine, *, poll_s: float = 0.25, silent_after_s: float = 30.0) -> None:
        self._engine = engine

    @contextmanager
    def listen(self, cursor: str | None = None) -> Iterator[Listener]:
        """A listener that is told what comes from now on, or since ``cursor`` if that is not too old."""
        raise NotImplementedError
        yield

    def close(self) -> None:
        """End every listener and the thread."""
        raise NotImplementedError
