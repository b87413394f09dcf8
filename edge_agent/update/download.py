"""Brings a bundle's bytes to the disk: goes on where it was, never past what was signed."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from edge_agent.update.files import Files
from edge_agent.update.pace import paced
from edge_agent.update.source import FetchError, Source, Stream
from edge_agent.update.trust import Signed, TrustError

_SYNC_BYTES: Final = 262_144
_TOLD_PARTS: Final = 10
"""Progress is told so many times at most."""
_RANGE_REFUSED: Final = 416


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What to download, and how fast."""

    path: str
    signed: Signed
    limit_bytes_per_s: int


class Download:
    """One file that grows; what it holds is trusted only once it has been hashed."""

    def __init__(self, part: Path, files: Files, tell: Callable[[int], None]) -> None:
        self._part, self._files, self._tell = part, files, tell

    @property
    def size_bytes(self) -> int:
        """What has come so far."""
        return self._part.stat().st_size if self._part.exists() else 0

    def run(
        self, wanted: Wanted, tag: str, source: Source, stop: threading.Event, keep_tag: Callable[[str], None]
    ) -> None:
        """Until it is as long as signed, or ``stop``; ``FetchError``, ``TrustError`` if it cannot be right.

        ``tag`` is what the part that is here belongs to; ``keep_tag`` is told before bytes of another come.
        """
        stream = self._open(wanted, tag, source, stop)
        total = stream.total_bytes
        if total is not None and total != wanted.signed.size_bytes:
            raise TrustError(f"the server's file has {total} bytes, {wanted.signed.size_bytes} are signed")
        if stream.offset != self.size_bytes or stream.offset == 0:
            # Synced, so that what was here is never taken for a part of what comes now.
            self._files.write(self._part, b"")
            self._files.sync(self._part)
        if stream.tag != tag:
            keep_tag(stream.tag)
        self._tell(self.size_bytes)
        self._take(stream, wanted, stop)

    def discard(self) -> None:
        """Begin anew next time."""
        self._files.remove(self._part)

    def _open(self, wanted: Wanted, tag: str, source: Source, stop: threading.Event) -> Stream:
        try:
            return source.stream(wanted.path, self.size_bytes, tag, stop)
        except FetchError as error:
            if error.status != _RANGE_REFUSED:
                raise
        return source.stream(wanted.path, 0, "", stop)

    def _take(self, stream: Stream, wanted: Wanted, stop: threading.Event) -> None:
        size = wanted.signed.size_bytes
        done = synced = told = self.size_bytes
        try:
            for chunk in paced(stream.chunks, wanted.limit_bytes_per_s, stop):
                # Whoever sends more than was signed, even without end, is not listened to.
                self._files.append(self._part, chunk[: size - done])
                done = min(size, done + len(chunk))
                if done - synced >= _SYNC_BYTES or done == size:
                    self._files.sync(self._part)
                    synced = done
                if done - told >= size / _TOLD_PARTS or done == size:
                    self._tell(done)
                    told = done
                if done == size:
                    return
        finally:
            close = getattr(stream.chunks, "close", None)
            if close is not None:
                close()
        if not stop.is_set():
            raise FetchError(f"the connection broke after {done} of {size} bytes")
