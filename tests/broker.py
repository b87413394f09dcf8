"""A real mosquitto on a free loopback port, that a test may kill and start again."""

import os
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

import pytest

from aggregator.demo.children import free_port

MOSQUITTO = shutil.which("mosquitto") or shutil.which("/usr/sbin/mosquitto")


class Mosquitto:
    """One broker with its own configuration and data folder."""

    def __init__(self, folder: Path, *, configured: Path | None = None, port: int = 0) -> None:
        """``configured`` is a configuration that listens at ``port``; without it anybody may do anything."""
        if MOSQUITTO is None:
            pytest.skip("needs mosquitto: apt-get install mosquitto")
        self.folder = folder
        self.port = port or free_port()
        self._process: subprocess.Popen[bytes] | None = None
        self._config = folder / "mosquitto.conf"
        if configured is not None:
            self._config = configured
            if os.geteuid() == 0:  # mosquitto would become a user who may not read the folder
                with configured.open("a") as file:
                    file.write("user root\n")
            return
        self._config.write_text(
            f"listener {self.port} 127.0.0.1\nallow_anonymous true\nuser root\n"
            f"persistence true\npersistence_location {folder}/\nmax_queued_messages 100000\n"
            "autosave_on_changes false\nlog_dest stderr\n"
        )

    @property
    def pid(self) -> int:
        """Of its process."""
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        """Start it and wait until it answers."""
        assert MOSQUITTO is not None
        log = (self.folder / "mosquitto.log").open("ab")
        with log:
            self._process = subprocess.Popen([MOSQUITTO, "-c", str(self._config)], stderr=log, stdout=log)
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
                return
            except OSError:
                time.sleep(0.05)
        raise AssertionError("mosquitto did not start; see mosquitto.log")

    def kill(self) -> None:
        """End it as a power cut would."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """End it in good order."""
        self._end(signal.SIGTERM)

    def _end(self, how: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait(10)
            self._process = None
