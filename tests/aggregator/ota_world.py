"""Keys, a repository, and a fleet's nodes as The Update Framework's own client plays them."""

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from flask import Flask
from werkzeug.serving import WSGIRequestHandler, make_server

from aggregator.services.bandwidth import Bandwidth
from aggregator.services.catalogue import Services
from aggregator.services.key_folder import KeyFolder, newest
from aggregator.services.ota_delivery import OtaDelivery
from aggregator.services.ota_publishing import OtaPublishing
from aggregator.services.ota_repository import OtaRepository
from aggregator.services.ota_signing import Change, Signing
from aggregator.trust.keys import SigningKey
from aggregator.trust.lifetimes import Lifetimes
from aggregator.trust.releases import Addition
from aggregator.trust.roots import ROOT_KEYS, names, read
from aggregator.web import create_app
from contract.bundle import read_bundle, write_bundle
from contract.updates import Desired
from tests.aggregator.ota_client import Client
from tests.aggregator.web import world
from tests.conftest import ROOT

PASSPHRASE = "correct horse battery"
NODE = "attic"


@cache
def bundle(version: str = "1.0.0") -> bytes:
    """A small good bundle of that version."""
    starter = read_bundle(ROOT / "models" / "keywords.bundle")
    made = {"schema", "files", "frontend_digest"}
    plain = {name: value for name, value in starter.manifest.to_plain().items() if name not in made}
    for fixed in ("rate_hz", "hop_samples", "window_samples", "mel_bins", "feature_scale_db"):
        del plain[fixed]
    del plain["feature_zero_point"]
    return write_bundle(plain | {"version": version}, starter.files)


class Wished:
    """Says what each node should run."""

    def __init__(self) -> None:
        self.by_node: dict[str, Desired] = {}

    def desired(self, node: str) -> Desired | None:
        return self.by_node.get(node)

    def may_fetch(self, node: str, digest: str) -> bool:
        wanted = self.by_node.get(node)
        return wanted is not None and wanted.release == digest


class NoAudit:
    """Keeps nothing."""

    def record(self, who: str, action: str, details: Mapping[str, Any]) -> None:
        pass


class OtaWorld:
    """A signer and an aggregator's repository below ``folder``, at a time of the test's choice."""

    def __init__(self, folder: Path, lifetimes: Lifetimes | None = None, *, ago_s: float = 0.0) -> None:
        self.folder = folder
        self.ago_s = ago_s
        self.keys = KeyFolder(folder / "keys")
        self.lifetimes = lifetimes or Lifetimes()
        self.signing = Signing(self.keys, self._passphrase, self._passphrase, self.lifetimes, now=self.now)
        self.repository = OtaRepository(folder / "ota", lifetimes=self.lifetimes, now=self.now)
        self.wishes = Wished()
        self.deliver(self.signing.begin())
        self.root = self.metadata("1.root.json")

    def now(self) -> float:
        return time.time() - self.ago_s

    def deliver(self, change: Change) -> None:
        """Hand in and remember, as the commands do."""
        if change.online is not None:
            self.repository.keep_online_key(change.online.sealed, change.online.passphrase)
        self.repository.hand_in(change.handed)
        self.keys.remember(change.handed)

    def publish(self, *versions: str, nodes: tuple[str, ...] | None = None, wish: bool = True) -> str:
        """Publish bundles, let the node want the last; its target."""
        for version in versions:
            addition = Addition(content=bundle(version), nodes=nodes)
            self.deliver(self.signing.publish(self.base(), add=[addition]))
        (one,) = [one for one in self.repository.published() if one.digest == addition.digest]
        if wish:
            self.wish(NODE, one.digest, one.target)
        return one.target

    def wish(self, node: str, digest: str, target: str) -> None:
        self.wishes.by_node[node] = Desired(serial=1, issued_s=1.0, release=digest, target=target)

    def rotate(self, *names: str) -> None:
        self.deliver(self.signing.rotate(self.base(), names))

    def base(self) -> Any:
        return newest(self.keys.record(), self.repository.export())

    def metadata(self, name: str) -> bytes:
        content = self.repository.metadata(name)
        assert content is not None, name
        return content

    def key(self, name: str) -> SigningKey:
        """One of the offline keys in force, opened."""
        keyid = names(read(self.base().roots[-1]))[name]
        key = self.keys.key(name, keyid, self._passphrase)
        assert key is not None
        return key

    def online_key(self) -> SigningKey:
        """What a thief of the aggregator holds."""
        return self.repository._online.find(names(read(self.base().roots[-1]))["online"])

    def root_keys(self) -> list[SigningKey]:
        return [self.key(name) for name in ROOT_KEYS]

    def files(self) -> dict[str, bytes]:
        """All metadata that lies there."""
        return {path.name: path.read_bytes() for path in (self.folder / "ota" / "metadata").iterdir()}

    def services(self, bandwidth: Bandwidth | None = None, releases: Any = None) -> Services:
        delivery = OtaDelivery(self.repository, self.wishes, bandwidth or Bandwidth())
        publishing = OtaPublishing(self.repository, releases, self.folder / "ota", NoAudit())
        return replace(
            world.a_world(),
            ota_repository=self.repository, ota_delivery=delivery, ota_publishing=publishing,
        )  # fmt: skip

    def client(self, server: "Server", node: str = NODE, folder: str = "node") -> Client:
        """A node that trusts the first root."""
        return Client(server.url, self.root, node, self.repository.token(node), self.folder / folder)

    @staticmethod
    def _passphrase(_name: str) -> str:
        return PASSPHRASE


Tamper = Callable[[bytes], bytes | Iterable[bytes]]


class Server:
    """The dashboard's real routes on a real socket, with somebody in between who may change answers."""

    def __init__(self, app: Flask) -> None:
        self._app = app
        self.tampered: dict[str, Tamper] = {}
        self.asked: list[str] = []
        self._server = make_server("127.0.0.1", 0, self._answer, threaded=True, request_handler=_Quiet)
        self.url = f"http://127.0.0.1:{self._server.server_port}/ota/v1"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def tamper(self, ending: str, how: Tamper) -> None:
        """Change answers to addresses that end so."""
        self.tampered[ending] = how

    def serve(self, name: str, content: bytes) -> None:
        """Answer so for a file of metadata, whether there is one or not."""
        self.tamper(f"/metadata/{name}", lambda _: content)

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def _answer(self, environ: Any, start_response: Any) -> Iterable[bytes]:
        path = environ["PATH_INFO"]
        self.asked.append(path)
        how = next((one for ending, one in self.tampered.items() if path.endswith(ending)), None)
        if how is None:
            return self._app(environ, start_response)
        with closing(self._app(environ, lambda *_: None)) as answer:  # type: ignore[arg-type,return-value]
            body = b"".join(answer)
        changed = how(body)
        start_response("200 OK", [("Content-Type", "application/octet-stream"), ("Connection", "close")])
        return [changed] if isinstance(changed, bytes) else changed


class _Quiet(WSGIRequestHandler):
    protocol_version = "HTTP/1.1"

    def log(self, *_: Any) -> None:
        """Say nothing."""


@contextmanager
def serving(made: OtaWorld, **parts: Any) -> Iterator[Server]:
    """The routes over that repository."""
    server = Server(create_app(made.services(**parts)))
    try:
        yield server
    finally:
        server.close()
