"""An agent as a process of its own, as a node runs it."""

import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.environment import clean_environment

AGENT = [sys.executable, "-m", "edge_agent"]


def run_agent(*arguments: str | Path, timeout_s: float = 60) -> subprocess.CompletedProcess[str]:
    """One command, to its end."""
    return subprocess.run(
        [*AGENT, *map(str, arguments)], capture_output=True, text=True, timeout=timeout_s,
        env=clean_environment(),
    )  # fmt: skip


class AgentProcess:
    """``edge-agent run`` with JSON lines on standard error."""

    def __init__(self, folder: Path, *arguments: str | Path, stdin: int | None = None) -> None:
        self.log = folder / "agent.log"
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [*AGENT, "run", "--node-name", "attic", "--node-state", str(folder / "state"),
                 "--health-log-format", "json", *map(str, arguments)],
                stderr=log, stdin=stdin, env=clean_environment(),
            )  # fmt: skip

    def lines(self, event: str) -> list[dict[str, Any]]:
        found = []
        for line in self.log.read_text().splitlines():
            if line.startswith("{"):
                plain = json.loads(line)
                if plain["event"] == event:
                    found.append(plain)
        return found

    def terminate(self, timeout_s: float = 10) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout_s)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(10)
