"""Where what was signed goes to: the aggregator on this machine, one over HTTP, or a file that is carried."""

import http.client
import json
import ssl
from pathlib import Path
from typing import Any, Final, Protocol
from urllib.parse import urlsplit

from aggregator.errors import HandInRefusedError, HandOverError, TrustError
from aggregator.services import publish_token
from aggregator.services.durable_files import in_words, replace
from aggregator.services.ota_publishing import OtaPublishing
from aggregator.services.ota_repository import OtaRepository
from aggregator.services.ota_signing import Change
from aggregator.trust import hand_over
from aggregator.trust.hand_over import HandOver
from aggregator.trust.limits import HAND_OVER_BYTES

HAND_IN: Final = "hand-in.json"
_TIMEOUT_S: Final = 60.0
_REFUSED: Final = frozenset({400, 403, 404, 413})


class Destination(Protocol):
    """An aggregator, near or far."""

    takes_secrets: bool
    """Whether a new online key, and a new token, may go this way."""

    def offered(self) -> HandOver | None:
        """What is in force there; None if that cannot be known."""

    def bundle(self, release_id: int) -> bytes:
        """The bundle of an accepted release."""

    def deliver(self, change: Change, token_digest: str = "") -> str:
        """Hand it over; where it is now. Raises ``HandInRefusedError``, ``HandOverError``."""


class Here:
    """The aggregator whose data folder is on this machine."""

    takes_secrets = True

    def __init__(self, repository: OtaRepository, publishing: OtaPublishing, folder: Path, who: str) -> None:
        self._repository = repository
        self._publishing = publishing
        self._folder = folder
        self._who = who

    def offered(self) -> HandOver | None:
        """What is in force; None before keys were handed in."""
        return self._repository.export() if self._repository.is_set_up else None

    def bundle(self, release_id: int) -> bytes:
        """The bundle of an accepted release."""
        return self._publishing.bundle(release_id)

    def deliver(self, change: Change, token_digest: str = "") -> str:
        """Take it."""
        if change.online is not None:
            self._repository.keep_online_key(change.online.sealed, change.online.passphrase)
        if token_digest:
            publish_token.keep(self._folder, token_digest)
        try:
            self._publishing.take(change.handed, self._who)
        except TrustError as error:
            raise HandInRefusedError(str(error)) from error
        return f"are in force, in {self._folder}"


class Carried:
    """A file for somebody to carry; a folder, if a secret goes with it."""

    takes_secrets = True

    def __init__(self, path: Path) -> None:
        self._path = path

    def offered(self) -> HandOver | None:
        """Not known."""
        return None

    def bundle(self, release_id: int) -> bytes:
        """Not here."""
        raise HandOverError(f"release {release_id} lies at the aggregator: export it there, sign that file")

    def deliver(self, change: Change, token_digest: str = "") -> str:
        """Write it down."""
        content = hand_over.write(change.handed)
        try:
            if change.online is None and not token_digest:
                replace(self._path, content)
                return f"are written to {self._path}: `aggregator ota hand-in` takes it"
            if change.online is not None:
                stem = self._path / f"online.{change.online.keyid[:12]}"
                replace(stem.with_name(f"{stem.name}.pem"), change.online.sealed, mode=0o600)
                secret = change.online.passphrase.encode()
                replace(stem.with_name(f"{stem.name}.passphrase"), secret, mode=0o600)
            if token_digest:
                replace(self._path / publish_token.FILE, f"{token_digest}\n".encode(), mode=0o600)
            replace(self._path / HAND_IN, content)
        except OSError as error:
            raise HandOverError(f"{self._path} cannot be written: {in_words(error)}") from error
        return f"are written to {self._path}: carry that over, `aggregator ota hand-in` takes it"


class There:
    """An aggregator over HTTP. Nothing secret goes that way but the token."""

    takes_secrets = False

    def __init__(self, url: str, token: str) -> None:
        self._url = urlsplit(url)
        if self._url.scheme not in ("http", "https") or not self._url.hostname:
            raise HandOverError(f"{url!r} is not an address such as https://hub.example")
        self._token = token

    def offered(self) -> HandOver | None:
        """What is in force there."""
        return hand_over.read(self._ask("GET", "/ota/v1/export"))

    def bundle(self, release_id: int) -> bytes:
        """The bundle of an accepted release."""
        offered = hand_over.read(self._ask("GET", f"/ota/v1/export?release={release_id}"))
        if len(offered.add) != 1:
            raise HandOverError("the aggregator answers without the bundle")
        return offered.add[0].content

    def deliver(self, change: Change, token_digest: str = "") -> str:
        """Upload it."""
        if change.online is not None or token_digest:
            raise HandOverError("a key or token does not go over the network: use --out FOLDER and carry it")
        self._ask("POST", "/ota/v1/hand-in", hand_over.write(change.handed))
        return f"are in force, at {self._url.geturl()}"

    def _ask(self, method: str, path: str, body: bytes | None = None) -> bytes:
        connection = self._connect()
        try:
            headers = {"Authorization": f"Bearer {self._token}"}
            connection.request(method, self._url.path.rstrip("/") + path, body, headers)
            answer = connection.getresponse()
            content = answer.read(HAND_OVER_BYTES + 1)
        except (OSError, http.client.HTTPException) as error:
            raise HandOverError(f"{self._url.geturl()} cannot be reached: {error}") from error
        finally:
            connection.close()
        if answer.status != 200:
            kind = HandInRefusedError if answer.status in _REFUSED else HandOverError
            raise kind(f"the aggregator answers {answer.status}: {_detail(content)}")
        return content

    def _connect(self) -> http.client.HTTPConnection:
        host, port = self._url.hostname or "", self._url.port
        if self._url.scheme == "http":
            return http.client.HTTPConnection(host, port, timeout=_TIMEOUT_S)
        return http.client.HTTPSConnection(
            host, port, timeout=_TIMEOUT_S, context=ssl.create_default_context()
        )


def _detail(content: bytes) -> str:
    try:
        said: Any = json.loads(content)["detail"]
    except (ValueError, KeyError, TypeError):
        return "no reason given"
    return "".join(one for one in str(said)[:500] if one.isprintable())
