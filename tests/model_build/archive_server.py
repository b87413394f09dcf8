"""A web server of the test's own, which can be as unreliable as real ones."""

import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self


@dataclass(slots=True)
class Behaviour:
    """What the server does, and what it saw."""

    content: bytes
    etag: str | None = '"one"'
    ranges: bool = True
    """Whether it continues in the middle."""
    length: bool = True
    """Whether it says how much there is."""
    drop_after: list[int] = field(default_factory=list)
    """For each of the next answers: after how many bytes the connection is closed."""
    refuse: list[int] = field(default_factory=list)
    """Status codes of the next answers."""
    redirect: str | None = None
    asked: list[str | None] = field(default_factory=list)
    """The range that each request asked for."""
    pause_s: float = 0.0
    """Before each block of 64 kB."""


class _Handler(BaseHTTPRequestHandler):
    server: "ArchiveServer"

    def do_GET(self) -> None:
        behaviour = self.server.behaviour
        behaviour.asked.append(self.headers.get("Range"))
        if behaviour.refuse:
            self.send_error(behaviour.refuse.pop(0))
            return
        if behaviour.redirect:
            self.send_response(302)
            self.send_header("Location", behaviour.redirect)
            self.end_headers()
            return
        start = self._start()
        body = behaviour.content[start:]
        self.send_response(206 if start else 200)
        if start:
            total = len(behaviour.content)
            self.send_header("Content-Range", f"bytes {start}-{total - 1}/{total}")
        if behaviour.length:
            self.send_header("Content-Length", str(len(body)))
        if behaviour.etag:
            self.send_header("ETag", behaviour.etag)
        self.end_headers()
        self._send(body[: behaviour.drop_after.pop(0)] if behaviour.drop_after else body)
        self.close_connection = True

    def _start(self) -> int:
        behaviour = self.server.behaviour
        asked = self.headers.get("Range")
        same = behaviour.etag is not None and self.headers.get("If-Range") == behaviour.etag
        return int(asked.removeprefix("bytes=").rstrip("-")) if asked and behaviour.ranges and same else 0

    def _send(self, body: bytes) -> None:
        for begin in range(0, len(body), 1 << 16):
            if self.server.stopping.wait(self.server.behaviour.pause_s):
                return
            try:
                self.wfile.write(body[begin : begin + (1 << 16)])
            except OSError:
                return

    def log_message(self, format: str, *args: object) -> None:
        pass


class ArchiveServer(ThreadingHTTPServer):
    """Serves one file at every path, on a free port of this machine."""

    daemon_threads = True

    def __init__(self, behaviour: Behaviour) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.behaviour = behaviour
        self.stopping = threading.Event()
        self._thread = threading.Thread(
            target=self.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
        )

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/archive"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stopping.set()
        self.shutdown()
        self._thread.join()
        self.server_close()
