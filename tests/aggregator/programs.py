"""The aggregator's programs as child processes of a test."""

import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.conftest import ROOT
from tests.environment import clean_environment


class Programs:
    """Starts the aggregator's commands with one configuration, and ends what it started."""

    def __init__(self, folder: Path, **flags: object) -> None:
        self.folder = folder
        self._flags = [f"--{name.replace('_', '-')}={value}" for name, value in flags.items()]
        self._running: list[subprocess.Popen[bytes]] = []

    def start(self, command: str, *more: str, script: str | None = None) -> "subprocess.Popen[bytes]":
        """Start a command, or a script that stands in for the program."""
        program = ["-m", "aggregator"] if script is None else ["-c", script]
        with self.log(command).open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, *program, command, *self._flags, *more],
                cwd=ROOT, stderr=log, stdout=log, env=_environment(),
            )  # fmt: skip
        self._running.append(process)
        return process

    def run(self, command: str, *more: str, typed: str = "") -> "subprocess.CompletedProcess[str]":
        """Run a command to its end."""
        return subprocess.run(
            [sys.executable, "-m", "aggregator", command, *self._flags, *more],
            cwd=ROOT, env=_environment(), input=typed, capture_output=True, text=True, timeout=60,
        )  # fmt: skip

    def statistics(self) -> dict[str, Any]:
        """What ``aggregator stats`` says."""
        plain: dict[str, Any] = json.loads(self.run("stats", "--json").stdout)
        return plain

    def log(self, command: str) -> Path:
        """Where a command's output goes."""
        return self.folder / f"{command}.log"

    def end(self) -> None:
        """End everything."""
        for process in self._running:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
        for process in self._running:
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _environment() -> dict[str, str]:
    return clean_environment() | {"PYTHONUNBUFFERED": "1"}
