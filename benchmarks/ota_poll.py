"""What a poll without change costs: bytes on the wire, both ways with headers, and the node's computing time.

    python -m benchmarks.ota_poll [--polls 50] [--tls]

``poll`` is what the agent does every few hours to learn that nothing is new: it asks the real web server
what it should run, with the tag of the last answer, over a connection of its own. With ``--tls`` that
connection is encrypted, by a server in front of it whose certificate has a chain of two, and takes
up the one before (``resumed``), or does not (``fresh``). ``kept`` is the same with a refresh of The Update
Framework (the next root, and the timestamp), plainly and over one connection that is kept, as another client
might do it.
"""

import argparse
import json
import multiprocessing
import socket
import ssl
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

from aggregator import bootstrap
from aggregator.services.desired import DesiredService
from aggregator.services.key_folder import KeyFolder
from aggregator.services.ota_signing import Signing
from aggregator.serving import Server
from aggregator.settings import Settings, Store, Web
from aggregator.trust.releases import Addition
from contract.updates import Desired
from edge_agent.update.fetch import Http
from edge_agent.update.tls import Tls
from tests.aggregator.ota_client import Client
from tests.broker import free_port
from tests.certificates import make_certificate
from tests.conftest import ROOT
from tests.waiting import wait_until

NODE = "attic"
LIMIT_BYTES, LIMIT_MS = 1_000, 10.0
DESIRED = Desired(
    serial=7, issued_s=1.7e9, release="ab" * 32, target="keywords-0.3.0-abababababab.bundle", rollout=3,
    url="https://hub.example/ota/v1", token="cd" * 32,
)  # fmt: skip


class Meter:
    """Stands between a node and the aggregator, and counts every byte of either direction."""

    def __init__(self, port: int) -> None:
        self._target = ("127.0.0.1", port)
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = self._listening.getsockname()[1]
        self.up_bytes = self.down_bytes = self.connections = self._open = 0
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def total(self) -> int:
        """Bytes so far: counted before they are handed on, so an answer that came is in it."""
        return self.up_bytes + self.down_bytes

    def rest(self) -> None:
        """Wait until nobody is connected any more: what says goodbye is in the total, too."""
        wait_until(lambda: self._open == 0, "every connection is closed")

    def _accept(self) -> None:
        while True:
            node, _ = self._listening.accept()
            self.connections += 1
            self._open += 2
            there = socket.create_connection(self._target)
            for source, sink, name in ((node, there, "up_bytes"), (there, node, "down_bytes")):
                threading.Thread(target=self._copy, args=(source, sink, name), daemon=True).start()

    def _copy(self, source: socket.socket, sink: socket.socket, name: str) -> None:
        try:
            while chunk := source.recv(65_536):
                setattr(self, name, getattr(self, name) + len(chunk))
                sink.sendall(chunk)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            return  # either side has gone
        finally:
            self._open -= 1


def main() -> int:
    parser = argparse.ArgumentParser(description="What a poll without change costs a node.")
    parser.add_argument("--polls", type=int, default=50)
    parser.add_argument("--tls", action="store_true", help="also over TLS")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(store=Store(folder=f"{folder}/data"), web=Web(port=free_port()))
        bootstrap.database(settings, migrate=True).close()
        root = _publish(settings, Path(folder))
        server = multiprocessing.get_context("spawn").Process(target=_serve, args=(settings,))
        server.start()
        try:
            wait_until(lambda: _answers(settings.web.port), "the server answers")
            told = _measure(settings, root, Path(folder), arguments.polls, tls=arguments.tls)
            print(json.dumps(told, indent=1))
        finally:
            server.terminate()
            server.join()
    return 0


def _publish(settings: Settings, folder: Path) -> bytes:
    """Publish a bundle; the root that nodes trust first."""
    signing = Signing(KeyFolder(folder / "keys"), lambda _: "correct horse", lambda _: "correct horse")
    begun = signing.begin()
    assert begun.online is not None
    repository = bootstrap.ota_repository(settings)
    repository.keep_online_key(begun.online.sealed, begun.online.passphrase)
    repository.hand_in(begun.handed)
    bundle = (ROOT / "models" / "keywords.bundle").read_bytes()
    repository.hand_in(signing.publish(begun.handed, add=[Addition(content=bundle)]).handed)
    return begun.handed.roots[0]


def _serve(settings: Settings) -> None:
    """The real web server, in which somebody has said what the node should run."""
    DesiredService.desired = lambda _self, _node: DESIRED  # type: ignore[method-assign]
    Server(settings).run()


def _measure(settings: Settings, root: bytes, folder: Path, polls: int, *, tls: bool) -> dict[str, object]:
    told: dict[str, object] = {"limit_bytes": LIMIT_BYTES, "limit_ms": LIMIT_MS}
    told["poll"] = _polls(settings, Meter(settings.web.port), "http", lambda: Tls(None), polls)
    if tls:
        certificate, authority = make_certificate(folder / "certificate")
        meter, kept = Meter(_encrypt(settings.web.port, certificate)), Tls(authority)
        told["poll_tls_resumed"] = _polls(settings, meter, "https", lambda: kept, polls)
        told["poll_tls_fresh"] = _polls(settings, meter, "https", lambda: Tls(authority), polls)
    return told | {"kept": _over_one_connection(settings, root, folder / "node", polls)}


def _polls(
    settings: Settings, meter: Meter, scheme: str, tls: Callable[[], Tls], polls: int
) -> dict[str, object]:
    """As the agent does it."""
    token, go_on = bootstrap.ota_repository(settings).token(NODE), threading.Event()

    def ask(tag: str, known: Tls) -> tuple[str, int, float]:
        before, began_s = meter.total, time.thread_time()
        answer = Http(f"{scheme}://127.0.0.1:{meter.port}/ota/v1", NODE, token, known).desired(tag, go_on)
        took_ms = (time.thread_time() - began_s) * 1000
        assert (answer.desired is None) == bool(tag)
        meter.rest()
        return answer.tag, meter.total - before, took_ms

    tag, first_bytes, first_ms = ask("", tls())
    asked = [ask(tag, tls()) for _ in range(polls)]
    times_ms = [took_ms for *_, took_ms in asked]
    return {
        "bytes": max(taken for _, taken, _ in asked), "first_bytes": first_bytes,
        "cpu_ms_median": round(statistics.median(times_ms), 2), "cpu_ms_worst": round(max(times_ms), 2),
        "first_cpu_ms": round(first_ms, 2),
    }  # fmt: skip


def _encrypt(port: int, certificate: Path) -> int:
    """A server that does so in front of ``port``; its port."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    listening = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            node, _ = listening.accept()
            with (
                context.wrap_socket(node, server_side=True) as encrypted,
                socket.create_connection(("127.0.0.1", port)) as there,
            ):
                there.sendall(encrypted.recv(65_536))
                while chunk := there.recv(65_536):
                    encrypted.sendall(chunk)

    threading.Thread(target=serve, daemon=True).start()
    return int(listening.getsockname()[1])


def _over_one_connection(settings: Settings, root: bytes, folder: Path, polls: int) -> dict[str, object]:
    meter = Meter(settings.web.port)
    token = bootstrap.ota_repository(settings).token(NODE)
    client = Client(f"http://127.0.0.1:{meter.port}/ota/v1", root, NODE, token, folder)
    etag = _look(client, "")
    client.refresh()
    looks, refreshes, times_ms = [], [], []
    for _ in range(polls):
        start, began_s = meter.total, time.thread_time()
        assert _look(client, etag) == etag
        middle = meter.total
        client.refresh()
        times_ms.append((time.thread_time() - began_s) * 1000)
        looks.append(middle - start)
        refreshes.append(meter.total - middle)
    client.fetcher.close()
    return {
        "look_bytes": max(looks), "refresh_bytes": max(refreshes), "poll_bytes": max(looks) + max(refreshes),
        "cpu_ms_median": round(statistics.median(times_ms), 2), "cpu_ms_worst": round(max(times_ms), 2),
        "connections": meter.connections,
    }  # fmt: skip


def _look(client: Client, etag: str) -> str:
    """Ask what the node should run; the tag of the answer."""
    headers = {"If-None-Match": etag} if etag else {}
    answer = client.fetcher.ask(f"{client.url}/nodes/{NODE}/desired", headers)
    answer.read()
    assert answer.status == (304 if etag else 200)
    return answer.headers["ETag"]


def _answers(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


if __name__ == "__main__":
    sys.exit(main())
