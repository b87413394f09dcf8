"""Child processes that are always ended, in the reverse of the order in which they were started."""

import os
import socket
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import Self

from aggregator.errors import AggregatorError

STOP_S = 8.0


class DemoError(AggregatorError):
    """The demonstration cannot go on; the text says what to do."""


class Children:
    """Starts programs and ends all of them when the block is left."""

    def __init__(self, log_folder: Path) -> None:
        self._log_folder = log_folder
        self._started: list[tuple[str, subprocess.Popen[bytes]]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for _, process in reversed(self._started):
            end(process)

    def start(
        self, name: str, command: list[str], environment: Mapping[str, str] = MappingProxyType({})
    ) -> subprocess.Popen[bytes]:
        """Start ``command`` with its output in ``<name>.log``."""
        with (self._log_folder / f"{name}.log").open("ab") as log:
            # A session of its own: Ctrl-C reaches only us, and we end the children in order.
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                env={**os.environ, **environment},
            )
        self._started.append((name, process))
        return process

    def check(self) -> None:
        """``DemoError`` with the end of its log if a child has ended by itself with an error."""
        for name, process in self._started:
            if process.poll():
                tail = (self._log_folder / f"{name}.log").read_text(errors="replace")[-1500:]
                raise DemoError(f"{name} ended with status {process.returncode}:\n{tail}")

    def start_and_wait(self, name: str, command: list[str], timeout_s: float = 60.0) -> None:
        """Start a program that tells when it is ready, as systemd has it (``READY=1``), and wait for that."""
        address = f"soundpost-demo-{os.getpid()}"
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as told:
            told.bind(f"\0{address}")
            told.settimeout(0.5)
            self.start(name, command, {"NOTIFY_SOCKET": f"@{address}"})
            deadline = time.monotonic() + timeout_s
            while time.monotonic() < deadline:
                self.check()
                try:
                    if b"READY=1" in told.recv(4096):
                        return
                except TimeoutError:
                    continue
        raise DemoError(f"{name} is not ready after {timeout_s:.0f} s; see {name}.log")

    def wait_for_port(self, port: int, timeout_s: float = 30.0) -> None:
        """Wait until something listens on a loopback port."""
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            self.check()
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                return
            except OSError:
                time.sleep(0.1)
        raise DemoError(f"nothing answers on port {port} after {timeout_s:.0f} s")


def end(process: subprocess.Popen[bytes], timeout_s: float = STOP_S) -> None:
    """Ask a process to stop; kill it if it does not."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def free_port(wish: int = 0) -> int:
    """A loopback port that nobody listens on now; ``wish`` if it is free."""
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", wish))
        except OSError:
            probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
