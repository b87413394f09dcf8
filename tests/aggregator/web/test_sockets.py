"""The line under WebSockets: read and written at once, over TLS too, and nobody who is gone is waited for."""

import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from aggregator.services.web_certificate import web_certificate
from aggregator.settings import Settings, Store, Web
from aggregator.web.sockets import GoneError, Line

MESSAGES, SIZE = 1500, 660
GOODBYE = b"\x88\x00"


def pair() -> tuple[socket.socket, socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        ours = socket.create_connection(server.getsockname())
        theirs, _ = server.accept()
    return ours, theirs


@pytest.fixture(params=["plain", "tls"])
def ends(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Line, socket.socket]]:
    """The server's end under a line, and the other one."""
    theirs, ours = pair()
    if request.param == "tls":
        made = web_certificate(Settings(store=Store(folder=str(tmp_path)), web=Web(https=True)))
        assert made is not None
        server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        server.load_cert_chain(made.certificate, made.key)
        client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        client.check_hostname, client.verify_mode = False, ssl.CERT_NONE
        greeting = threading.Thread(target=lambda: wrapped.append(client.wrap_socket(theirs)))
        wrapped: list[ssl.SSLSocket] = []
        greeting.start()
        ours = server.wrap_socket(ours, server_side=True)
        greeting.join()
        theirs = wrapped[0]
    line = Line(ours)
    yield line, theirs
    line.close()
    theirs.close()


def write_on(line: Line) -> None:
    """More than any line holds."""
    for _ in range(10_000):
        line.send(bytes(65_536))


def test_what_is_written_and_read_at_once_arrives_whole(ends: tuple[Line, socket.socket]) -> None:
    line, theirs = ends
    asked, told = b"q" * 40, bytes(range(256)) * 2 + b"x" * (SIZE - 512)
    got = {"asked": 0, "told": b""}

    def read_ours() -> None:
        while got["asked"] < MESSAGES * len(asked):
            got["asked"] += len(line.recv(4096))  # type: ignore[operator]

    def talk_to_us() -> None:
        for _ in range(MESSAGES):
            theirs.sendall(asked)

    threads = [threading.Thread(target=work) for work in (read_ours, talk_to_us)]

    def write_ours() -> None:
        for _ in range(MESSAGES):
            assert line.send(told) == SIZE

    threads.append(threading.Thread(target=write_ours))
    for thread in threads:
        thread.start()
    parts, size = [], 0
    while size < MESSAGES * SIZE:
        parts.append(theirs.recv(65_536))
        size += len(parts[-1])
    for thread in threads:
        thread.join(30)
    assert b"".join(parts) == told * MESSAGES
    assert got["asked"] == MESSAGES * len(asked)


def test_nothing_is_said_after_the_goodbye(ends: tuple[Line, socket.socket]) -> None:
    line, theirs = ends
    line.send(b"HTTP/1.1 101 ")
    assert theirs.recv(100) == b"HTTP/1.1 101 "
    line.send(GOODBYE)
    with pytest.raises(GoneError):
        line.send(bytes(SIZE))
    assert theirs.recv(100) == GOODBYE


def test_whoever_hangs_up_is_an_end_and_no_fault(ends: tuple[Line, socket.socket]) -> None:
    line, theirs = ends
    theirs.close()
    with pytest.raises(GoneError):
        write_on(line)


def test_whoever_takes_nothing_is_not_waited_for_for_long(
    ends: tuple[Line, socket.socket], monkeypatch: pytest.MonkeyPatch
) -> None:
    line, theirs = ends
    monkeypatch.setattr("aggregator.web.sockets.PATIENCE_S", 1)
    with pytest.raises(GoneError):
        write_on(Line(line._line))
    assert theirs.fileno() > 0
