"""The smallest node there can be: The Update Framework's client over one kept connection."""

import http.client
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

from tuf.api.exceptions import DownloadHTTPError
from tuf.ngclient import FetcherInterface, Updater, UpdaterConfig

CHUNK_BYTES = 16_384


class Fetcher(FetcherInterface):
    """Asks over a connection that is kept, and asks for nothing that ``cached`` holds unchanged."""

    def __init__(self, url: str, token: str = "") -> None:
        self._parts = urlsplit(url)
        self._token = token
        self._connection: http.client.HTTPConnection | None = None
        self.cached: dict[str, tuple[str, bytes]] = {}

    def ask(self, url: str, headers: dict[str, str] | None = None) -> http.client.HTTPResponse:
        """The answer; its body must be read, or the connection closed."""
        if self._connection is None:
            self._connection = http.client.HTTPConnection(self._parts.netloc, timeout=20)
        sent = {"Authorization": f"Bearer {self._token}"} if "/nodes/" in url else {}
        self._connection.request("GET", urlsplit(url).path, headers=sent | (headers or {}))
        return self._connection.getresponse()

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _fetch(self, url: str) -> Iterator[bytes]:
        etag, before = self.cached.get(url, ("", b""))
        answer = self.ask(url, {"If-None-Match": etag} if etag else {})
        if answer.status == 304:
            answer.read()
            return iter([before])
        if answer.status != 200:
            answer.read()
            raise DownloadHTTPError(f"{url}: {answer.status}", answer.status)
        return self._chunks(answer, url)

    def _chunks(self, answer: http.client.HTTPResponse, url: str) -> Iterator[bytes]:
        whole = b""
        try:
            while chunk := answer.read(CHUNK_BYTES):
                whole += chunk
                yield chunk
            if etag := answer.headers.get("ETag"):
                self.cached[url] = (etag, whole)
        finally:
            if not answer.isclosed():
                self.close()  # what is not read to its end would be taken for the next answer


class Client:
    """A node: what it trusts lies in ``folder``."""

    def __init__(self, url: str, root: bytes, node: str, token: str, folder: Path) -> None:
        self.url = url
        self._root = root
        self._node = node
        self._folder = folder
        self.fetcher = Fetcher(url, token)
        (folder / "metadata").mkdir(parents=True, exist_ok=True)

    def refresh(self) -> Updater:
        """One look for what is new; verified, or an error of The Update Framework."""
        updater = Updater(
            str(self._folder / "metadata"), f"{self.url}/metadata",
            target_dir=str(self._folder), target_base_url=f"{self.url}/nodes/{self._node}/targets",
            fetcher=self.fetcher, config=UpdaterConfig(), bootstrap=self._root,
        )  # fmt: skip
        updater.refresh()
        return updater

    def lists(self, target: str) -> bool:
        """Whether ``target`` may be run."""
        return self.refresh().get_targetinfo(target) is not None

    def fetch(self, target: str) -> bytes:
        """The content of ``target``, verified."""
        updater = self.refresh()
        found = updater.get_targetinfo(target)
        assert found is not None, f"{target} is not listed"
        return Path(updater.download_target(found)).read_bytes()
