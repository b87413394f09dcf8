"""A real HTTP server with every bad habit that a test may want."""

import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any


class Habits:
    """What the server gives, and how it misbehaves."""

    def __init__(self, files: dict[str, bytes]) -> None:
        self.files = files
        self.tags: dict[str, str] = {}
        self.cut_after_bytes = 0
        """Break the connection after so many bytes of each answer; 0: never."""
        self.refuse: tuple[int, dict[str, str], bytes] | None = None
        self.ignores_range = False
        self.endless = False
        self.requests: list[tuple[str, dict[str, str]]] = []
        self.resumed: list[bool] = []
        """Of each connection over TLS, whether it took up one before."""
        self.sent_bytes = 0
        self.release = threading.Event()
        self.holds_after_bytes: int | None = None
        """Send no more after so many, until ``release``."""
        self.hold_only = ""
        """That for this path only, if it is given."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    habits: Habits

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def do_GET(self) -> None:
        habits = self.habits
        habits.requests.append((self.path, dict(self.headers)))
        if isinstance(self.connection, ssl.SSLSocket):
            habits.resumed.append(bool(self.connection.session_reused))
        if habits.refuse is not None:
            status, headers, body = habits.refuse
            self._head(status, {**headers, "Content-Length": str(len(body))})
            self.wfile.write(body)
            return
        content = habits.files.get(self.path)
        if content is None:
            self._head(404, {"Content-Length": "0"})
            return
        if self.headers.get("If-None-Match") == habits.tags.get(self.path, '"same"'):
            self._head(304, {})
            return
        self._send(content, habits.tags.get(self.path, '"same"'))

    def _send(self, content: bytes, tag: str) -> None:
        habits, begin = self.habits, 0
        wanted = self.headers.get("Range")
        if wanted and not habits.ignores_range and self.headers.get("If-Range", tag) == tag:
            begin = int(wanted.removeprefix("bytes=").rstrip("-"))
        if begin >= len(content) > 0:
            self._head(416, {"Content-Length": "0"})
            return
        headers = {"ETag": tag}
        if begin:
            headers["Content-Range"] = f"bytes {begin}-{len(content) - 1}/{len(content)}"
        if not habits.endless:
            headers["Content-Length"] = str(len(content) - begin)
        self._head(206 if begin else 200, headers)
        self._body(content[begin:])

    def _body(self, content: bytes) -> None:
        habits = self.habits
        if habits.holds_after_bytes is not None and self.path.endswith(habits.hold_only):
            self.wfile.write(content[: habits.holds_after_bytes])
            self.wfile.flush()
            habits.release.wait(30)
        elif habits.cut_after_bytes:
            self.wfile.write(content[: habits.cut_after_bytes])
        else:
            self.wfile.write(content)
        while habits.endless:
            self.wfile.write(bytes(65_536))
            habits.sent_bytes += 65_536
        self.close_connection = True

    def _head(self, status: int, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if self.close_connection:  # the client has asked for it
            self.send_header("Connection", "close")
        self.end_headers()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up is no error."""


@contextmanager
def serve(habits: Habits, certificate: Path | None = None) -> Iterator[str]:
    """The server's address; with a certificate over TLS."""
    handler = type("Handler", (_Handler,), {"habits": habits})
    with _Server(("127.0.0.1", 0), handler) as server:
        if certificate is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield f"http{'s' if certificate else ''}://127.0.0.1:{server.server_address[1]}"
        finally:
            habits.release.set()
            server.shutdown()
            thread.join()
