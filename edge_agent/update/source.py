"""Where metadata and bundles come from, whatever carries them."""

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from contract.updates import Desired
from edge_agent.errors import UpdateError


class FetchError(UpdateError):
    """Nothing could be had just now; the text says why."""

    def __init__(self, reason: str, *, status: int = 0, retry_s: float = 0.0) -> None:
        super().__init__(reason)
        self.status = status
        """As in HTTP; 0 if there was no answer."""
        self.retry_s = retry_s
        """The other side asks for so much patience."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stream:
    """A file that has begun to come."""

    offset: int
    """Of the first byte that comes: as asked for, or 0 if the file is another one now."""
    tag: str
    """Tells this content from another of the same name; empty: not known."""
    total_bytes: int | None
    """Size of the whole file, as the other side says."""
    chunks: Iterator[bytes]
    """Raises ``FetchError`` when the connection breaks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came of asking what this node should run."""

    desired: Desired | None
    """None: nothing, or nothing else than what has this tag, or that is not told this way."""
    tag: str


class Source(Protocol):
    """Gives files by paths such as ``metadata/timestamp.json`` and ``targets/<digest>.<name>``."""

    def read(self, path: str, limit_bytes: int, stop: threading.Event) -> bytes:
        """A small file whole; ``FetchError``, also if it is longer than the limit."""

    def stream(self, path: str, offset: int, tag: str, stop: threading.Event) -> Stream:
        """A file from the offset on, if it still is the one with this tag; else from its begin."""

    def desired(self, tag: str, stop: threading.Event) -> Answer:
        """What this node should run. ``FetchError``."""
