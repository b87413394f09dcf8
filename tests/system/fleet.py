"""The real programs as child processes, that a test may kill and start again."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

from aggregator.demo.nodes import toml
from tests.broker import Mosquitto

AGGREGATOR = [sys.executable, "-m", "aggregator"]
AGENT = [sys.executable, "-m", "edge_agent"]


class Program:
    """One program with its settings and its log; started, stopped and killed at will."""

    def __init__(
        self, name: str, command: list[str], folder: Path, environment: dict[str, str] | None = None
    ) -> None:
        self.name = name
        self.command = command
        self.environment = environment
        self.log = folder / f"{name}.log"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, *extra: str) -> None:
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [*self.command, *extra],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                env=self.environment,
            )

    def kill(self) -> None:
        """End it, and whatever it started, as a power cut would."""
        assert self.process is not None
        assert self.process.poll() is None, f"{self.name} had ended by itself: {self.tail()}"
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(10)

    def stop(self, timeout_s: float = 15.0) -> int:
        assert self.process is not None
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout_s)

    def running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def tail(self) -> str:
        return self.log.read_text(errors="replace")[-3000:]


class Fleet:
    """A broker, an aggregator's ingest, and one agent that plays a folder, on loopback."""

    def __init__(self, folder: Path, broker: Mosquitto, bundle: Path, sounds: Path, policy: str) -> None:
        self.folder = folder
        self.broker = broker
        self.aggregator_config = folder / "aggregator.toml"
        self.agent_config = folder / "agent.toml"
        self.aggregator_config.write_text(
            toml(
                {
                    "broker": {"host": "127.0.0.1", "port": broker.port},
                    "store": {"folder": str(folder / "store")},
                }
            )
        )
        self.agent_config.write_text(
            toml(
                {
                    "node": {"name": "node-1", "state": str(folder / "agent")},
                    "model": {"bundle": str(bundle)},
                    "input": {"source": "files", "path": str(sounds), "loop": True},
                    "broker": {"host": "127.0.0.1", "port": broker.port, "keepalive_s": 5},
                    "publish": {"policy": policy},
                    "outbox": {"resend_after_s": 2.0},
                    "health": {"heartbeat_s": 1.0},
                }
            )
        )
        self.ingest = Program(
            "ingest", [*AGGREGATOR, "ingest", "--config", str(self.aggregator_config)], folder
        )
        self.agent = Program("agent", [*AGENT, "run", "--config", str(self.agent_config)], folder)

    def stop(self) -> None:
        for program in (self.agent, self.ingest):
            if program.running():
                program.stop()

    def outbox(self) -> dict[str, Any]:
        done = subprocess.run(
            [*AGENT, "outbox", "--json", "--config", str(self.agent_config)], capture_output=True, check=True
        )
        plain: dict[str, Any] = json.loads(done.stdout)
        return plain

    def statistics(self) -> dict[str, Any]:
        done = subprocess.run(
            [*AGGREGATOR, "stats", "--json", "--config", str(self.aggregator_config)],
            capture_output=True,
            check=True,
        )
        plain: dict[str, Any] = json.loads(done.stdout)
        return plain
