"""Two machines with nothing between them but a cable: network namespaces of this one."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.conftest import ROOT

IP = shutil.which("ip") or shutil.which("/usr/sbin/ip")


class Machine:
    """One of them; what it started ends with it."""

    def __init__(self, name: str, address: str, folder: Path) -> None:
        self.name, self.address, self.folder = name, address, folder
        self.environment: dict[str, str] = {}
        self._running: list[subprocess.Popen[bytes]] = []
        folder.mkdir()

    def run(self, *words: str | Path) -> str:
        """What a command says, to its end."""
        done = subprocess.run(
            self._inside(*words), cwd=ROOT, env=self._clean(), capture_output=True, text=True, timeout=120
        )
        assert done.returncode == 0, f"{words}: {done.stdout}{done.stderr}"
        return done.stdout

    def start(self, log: str, *words: str | Path) -> None:
        """A program that goes on."""
        with self.log(log).open("ab") as file:
            self._running.append(
                subprocess.Popen(
                    self._inside(*words), cwd=ROOT, env=self._clean(), stdin=subprocess.DEVNULL, stdout=file,
                    stderr=file,
                )
            )  # fmt: skip

    def log(self, name: str) -> Path:
        return self.folder / f"{name}.log"

    def reaches(self, address: str, port: int) -> bool:
        """Whether a program here can connect there."""
        script = f"import socket; socket.create_connection(({address!r}, {port}), timeout=2)"
        command = self._inside(sys.executable, "-c", script)
        return subprocess.run(command, capture_output=True, check=False).returncode == 0

    def end(self) -> None:
        for process in self._running:
            process.send_signal(signal.SIGTERM)
        for process in self._running:
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def _inside(self, *words: str | Path) -> list[str]:
        assert IP is not None
        programs = {"aggregator": "aggregator", "edge-agent": "edge_agent"}
        first, rest = str(words[0]), map(str, words[1:])
        program = [sys.executable, "-m", programs[first]] if first in programs else [first]
        return [IP, "netns", "exec", self.name, *program, *rest]

    def _clean(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("SOUNDPOST_")}
        return {**kept, **self.environment, "PYTHONUNBUFFERED": "1"}


@contextmanager
def two_machines(folder: Path) -> Iterator[tuple[Machine, Machine]]:
    """A hub and a node, connected."""
    if os.geteuid() != 0 or IP is None:
        pytest.skip("needs root and iproute2: it makes network namespaces")
    tag = f"{os.getpid() % 100_000}"
    names, cables = [f"sphub{tag}", f"spnode{tag}"], [f"sph{tag}", f"spn{tag}"]
    hub = Machine(names[0], "10.77.0.1", folder / "hub")
    node = Machine(names[1], "10.77.0.2", folder / "node")
    try:
        for name in names:
            if _ip("netns", "add", name):
                pytest.skip("may not make network namespaces here")
        assert not _ip("link", "add", cables[0], "type", "veth", "peer", "name", cables[1])
        for machine, cable in zip((hub, node), cables, strict=True):
            assert not _ip("link", "set", cable, "netns", machine.name)
            assert not _ip("-n", machine.name, "addr", "add", f"{machine.address}/24", "dev", cable)
            assert not _ip("-n", machine.name, "link", "set", cable, "up")
            assert not _ip("-n", machine.name, "link", "set", "lo", "up")
        yield hub, node
    finally:
        node.end()
        hub.end()
        for name in names:
            _ip("netns", "del", name)


def _ip(*words: str) -> int:
    assert IP is not None
    return subprocess.run([IP, *words], capture_output=True, check=False).returncode
