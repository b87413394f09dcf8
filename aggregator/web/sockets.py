"""The line under a WebSocket: whole messages, a thread at a time, and an end to waiting for who is gone.

The library reads in one thread and writes in another. OpenSSL allows that only one after the other, and a
reader who vanished would hold a writer for a quarter of an hour.
"""

import json
import select
import socket
import ssl
import struct
import threading
from typing import Any, Final

from flask import Flask, request
from simple_websocket import ConnectionClosed
from wsproto.frame_protocol import CloseReason

PATIENCE_S: Final = 10
"""A browser that takes nothing for so long is gone."""

_PLACE: Final = "gunicorn.socket"
_GOODBYE: Final = 0x88
"""First byte of the frame that ends it, as RFC 6455 has it."""


def say(line: Any, **told: Any) -> None:
    """Tell the page at the other end, in JSON."""
    line.send(json.dumps(told))


def install(app: Flask) -> None:
    """Put such a line under every WebSocket of ``app``."""
    app.before_request(_put_under)


def _put_under() -> None:
    line = request.environ.get(_PLACE)
    if line is not None and request.headers.get("Upgrade", "").lower() == "websocket":
        request.environ[_PLACE] = Line(line)


class GoneError(ConnectionClosed, OSError):  # type: ignore[misc]
    """Nobody is there any more: for who writes an end like another, for who reads an error of the line."""


class Line:
    """What the library needs of a socket."""

    def __init__(self, line: socket.socket) -> None:
        self._line = line
        self._turn = threading.Lock()
        self._encrypted = isinstance(line, ssl.SSLSocket)
        self._said_goodbye = False
        line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if not self._encrypted:
            line.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack("ll", PATIENCE_S, 0))

    def send(self, content: bytes) -> int:
        """All of it; ``GoneError`` if nobody takes it, or the end was said already."""
        with self._turn:
            if self._said_goodbye:
                raise GoneError(CloseReason.NORMAL_CLOSURE, "the end was said")
            # One thread answers the reader's goodbye while the other has sound in its hands.
            self._said_goodbye = content[:1] == bytes([_GOODBYE])
            try:
                if self._encrypted:
                    self._line.settimeout(PATIENCE_S)
                self._line.sendall(content)
            except OSError as error:
                raise GoneError(CloseReason.ABNORMAL_CLOSURE, str(error)) from error
        return len(content)

    def recv(self, limit_bytes: int) -> bytes:
        """What has come, after waiting for it."""
        if not self._encrypted:
            return self._line.recv(limit_bytes)
        while True:
            with self._turn:
                self._line.setblocking(False)
                try:
                    return self._line.recv(limit_bytes)
                except ssl.SSLWantReadError:
                    pass  # half a record: the rest is awaited while others may write
                finally:
                    self._line.settimeout(PATIENCE_S)
            select.select([self._line], [], [])

    def fileno(self) -> int:
        """The number by which its news are awaited."""
        return self._line.fileno()

    def close(self) -> None:
        """Hang up."""
        self._line.close()
