"""TLS to servers that are asked again: the connection before makes the next one short."""

import http.client
import ssl
from pathlib import Path
from typing import Final

_PADDING: Final = 0x10
"""``SSL_OP_TLSEXT_PADDING``: fills the first message up to 512 bytes, for the sake of long-gone servers."""
_MOST: Final = 8
"""Servers that are remembered."""


class Tls:
    """How servers are verified, and what is remembered of them. In memory alone; one thread at a time."""

    def __init__(self, ca_file: Path | None) -> None:
        """``OSError`` if the file is none."""
        self.context = ssl.create_default_context(cafile=str(ca_file) if ca_file else None)
        self.context.options &= ~_PADDING
        self._sessions: dict[tuple[str, int], ssl.SSLSession] = {}

    def connect(self, host: str, port: int | None, timeout_s: float) -> "Connection":
        """A connection that takes up the last one to this server, where the server agrees."""
        return Connection(self, host, port, timeout_s)

    def session(self, host: str, port: int) -> ssl.SSLSession | None:
        """Of the last connection to this server."""
        return self._sessions.get((host, port))

    def remember(self, host: str, port: int, session: ssl.SSLSession | None) -> None:
        """For the next connection to it."""
        if session is not None and session.has_ticket:
            self._sessions.pop((host, port), None)
            self._sessions[host, port] = session
            while len(self._sessions) > _MOST:
                del self._sessions[next(iter(self._sessions))]


class Connection(http.client.HTTPSConnection):
    """Made by ``Tls.connect``."""

    def __init__(self, tls: Tls, host: str, port: int | None, timeout_s: float) -> None:
        super().__init__(host, port, timeout=timeout_s, context=tls.context)
        self._tls = tls

    def connect(self) -> None:
        """To the server, in as few bytes as it allows."""
        http.client.HTTPConnection.connect(self)
        self.sock = self._tls.context.wrap_socket(
            self.sock, server_hostname=self.host, session=self._tls.session(self.host, self.port)
        )

    def getresponse(self) -> http.client.HTTPResponse:
        """The answer."""
        response = super().getresponse()
        self._remember()
        return response

    def close(self) -> None:
        """Also called from within ``getresponse``, where the server has announced that it ends here."""
        self._remember()
        super().close()

    def _remember(self) -> None:
        # What takes up this connection later comes before the answer, and is gone with the socket.
        if isinstance(self.sock, ssl.SSLSocket):
            self._tls.remember(self.host, self.port, self.sock.session)
