"""Files over HTTP or HTTPS: with Range and If-Range, time-outs, and never from another host."""

import contextlib
import http.client
import re
import threading
from collections.abc import Iterator, Mapping
from typing import Final
from urllib.parse import quote, urljoin, urlsplit

from contract.checks import printable
from contract.errors import ContractError
from contract.topics import DESIRED
from contract.updates import Desired
from contract.wire import decode_as
from edge_agent.update.source import Answer, FetchError, Stream
from edge_agent.update.tls import Tls

TIMEOUT_S: Final = 20.0
_CHUNK_BYTES: Final = 16_384
_REDIRECTS: Final = 3
_UNCHANGED: Final = 304
_NOTHING: Final = 404
_RANGE: Final = re.compile(r"bytes (\d+)-\d+/(\d+|\*)")


class Http:
    """A ``Source``: what the aggregator serves below ``base``, to this node with its token."""

    def __init__(self, base: str, node: str, token: str, tls: Tls, *, timeout_s: float = TIMEOUT_S) -> None:
        parts = urlsplit(base)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise FetchError(f"{base[:100]!r} is no address")
        self._base, self._node, self._token = base.rstrip("/"), node, token
        self._tls, self._timeout_s = tls, timeout_s

    def read(self, path: str, limit_bytes: int, stop: threading.Event) -> bytes:
        """A small file whole; ``FetchError``, also if it is longer than the limit."""
        return self._read(path, limit_bytes, stop, {})[0]

    def _read(
        self, path: str, limit_bytes: int, stop: threading.Event, headers: Mapping[str, str]
    ) -> tuple[bytes, str]:
        """The content and its tag."""
        with _speaking(path):
            response = self._ask(self._url(path), headers)
            with contextlib.closing(response):
                content = b""
                while len(content) <= limit_bytes and not stop.is_set():
                    piece = response.read1(_CHUNK_BYTES)
                    if not piece:
                        return content, response.getheader("ETag") or ""
                    content += piece
        raise FetchError(
            f"{path}: " + ("interrupted" if stop.is_set() else f"longer than {limit_bytes} bytes")
        )

    def stream(self, path: str, offset: int, tag: str, stop: threading.Event) -> Stream:  # noqa: ARG002
        """A file from the offset on, if it still is the one with this tag; else from its begin."""
        headers = {"Range": f"bytes={offset}-"} if offset else {}
        if offset and tag:
            headers["If-Range"] = tag
        with _speaking(path):
            response = self._ask(self._url(path), headers)
        begins, total = _position(response)
        if begins not in (0, offset):
            response.close()
            raise FetchError(f"{path}: asked for byte {offset}, got byte {begins}")
        return Stream(
            offset=begins, tag=response.getheader("ETag") or "", total_bytes=total,
            chunks=_chunks(response, path),
        )  # fmt: skip

    def desired(self, tag: str, stop: threading.Event) -> Answer:
        """What this node should run, as in its retained message; nothing if that still has this tag."""
        try:
            headers = {"If-None-Match": tag} if tag else {}
            content, found = self._read("desired", DESIRED.limit_bytes, stop, headers)
            return Answer(desired=decode_as(Desired, DESIRED, content), tag=found)
        except FetchError as error:
            if error.status in (_UNCHANGED, _NOTHING):
                return Answer(desired=None, tag=tag)
            raise
        except ContractError as error:
            raise FetchError(f"desired: {error}") from error

    def _url(self, path: str) -> str:
        """The token goes only with what is this node's own."""
        if path.startswith("metadata/"):
            return f"{self._base}/{quote(path)}"
        return f"{self._base}/nodes/{quote(self._node)}/{quote(path)}"

    def _ask(self, url: str, headers: Mapping[str, str]) -> http.client.HTTPResponse:
        for _ in range(_REDIRECTS):
            response = self._request(url, headers)
            if response.status in (200, 206):
                return response
            with contextlib.closing(response):
                if response.status not in (301, 302, 307, 308):
                    raise _refusal(response)
                url = _same_host(url, response.getheader("Location") or "")
        raise FetchError("is redirected again and again")

    def _request(self, url: str, headers: Mapping[str, str]) -> http.client.HTTPResponse:
        parts = urlsplit(url)
        connection: http.client.HTTPConnection
        if parts.scheme == "https":
            connection = self._tls.connect(parts.hostname or "", parts.port, self._timeout_s)
        else:
            connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=self._timeout_s)
        given = {"Accept-Encoding": "identity", "Connection": "close", **headers}
        if self._token and "/nodes/" in url:
            given["Authorization"] = f"Bearer {self._token}"
        path = parts.path + (f"?{parts.query}" if parts.query else "")
        try:
            connection.request("GET", path, headers=given)
            response = connection.getresponse()
        except BaseException:
            connection.close()
            raise
        if connection.sock is not None:
            # The response reads on; the socket is gone as soon as that is closed.
            connection.sock.close()
        return response


@contextlib.contextmanager
def _speaking(path: str) -> Iterator[None]:
    try:
        yield
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise FetchError(f"{path}: {_in_words(error)}") from error


def _chunks(response: http.client.HTTPResponse, path: str) -> Iterator[bytes]:
    with contextlib.closing(response), _speaking(path):
        while chunk := response.read1(_CHUNK_BYTES):
            yield chunk


def _position(response: http.client.HTTPResponse) -> tuple[int, int | None]:
    """First byte, and size of the whole file."""
    if response.status == 200:
        return 0, response.length
    found = _RANGE.fullmatch(response.getheader("Content-Range") or "")
    if not found:
        response.close()
        raise FetchError("the server does not say which part of the file it sends")
    return int(found[1]), None if found[2] == "*" else int(found[2])


def _refusal(response: http.client.HTTPResponse) -> FetchError:
    says = printable(response.read(200).decode("utf-8", "replace"), 200).strip()
    waits = response.getheader("Retry-After") or ""
    return FetchError(
        f"the server answers {response.status} {response.reason}: {says}"[:300].rstrip(": "),
        status=response.status, retry_s=min(float(waits), 86_400.0) if waits.isdecimal() else 0.0,
    )  # fmt: skip


def _same_host(url: str, location: str) -> str:
    target = urljoin(url, location)
    if urlsplit(target)[:2] != urlsplit(url)[:2]:
        raise FetchError(f"is redirected to another host, {urlsplit(target).netloc[:100]!r}; not followed")
    return target


def _in_words(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if isinstance(error, http.client.IncompleteRead):
        return "the connection broke"
    strerror = getattr(error, "strerror", None)
    return str(strerror or error or type(error).__name__)[:200]
