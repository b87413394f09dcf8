"""A broker, an aggregator with its dashboard, and a node that hears what is written to it."""

import os
import subprocess
import sys
import threading
import time
import urllib.request
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from aggregator import bootstrap
from aggregator.domain.listening import FEATURES
from aggregator.settings import Broker, Settings, Store, Web, as_environment
from tests.broker import Mosquitto, free_port
from tests.waiting import wait_until

PASSWORD = "correct horse battery"
NODE = "attic"
RATE_HZ, PIECE = 16_000, 320

Pcm = NDArray[np.int16]


class Microphone:
    """Writes sound to a node as a sound card would: piece by piece, when it is due."""

    def __init__(self, sound: Pcm) -> None:
        self._sound, self._over = sound, threading.Event()
        self.begun_s = 0.0
        """Wall clock at the first sample."""
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.target: int | None = None

    def start(self, target: int) -> None:
        self.target = target
        self._thread.start()

    def stop(self) -> None:
        self._over.set()
        self._thread.join(5)

    def _run(self) -> None:
        assert self.target is not None
        begun, self.begun_s = time.monotonic(), time.time()
        number = 0
        while not self._over.is_set():
            at = number * PIECE % len(self._sound)
            number += 1
            time.sleep(max(0.0, begun + number * PIECE / RATE_HZ - time.monotonic()))
            try:
                os.write(self.target, self._sound[at : at + PIECE].astype("<i2").tobytes())
            except BrokenPipeError:
                return


class LiveWorld:
    """All of it, started; the node may be listened to unless a test wants otherwise."""

    def __init__(
        self, folder: Path, broker: Mosquitto, bundle: Path, sound: Pcm, *agent: str,
        namespace: str = "soundpost",
    ) -> None:  # fmt: skip
        self.folder, self._broker, self._bundle, self._agent = folder, broker, bundle, agent
        self.settings = Settings(
            broker=Broker(port=broker.port), store=Store(folder=str(folder / "store")),
            web=Web(port=free_port()),
        )  # fmt: skip
        self.address = f"http://127.0.0.1:{self.settings.web.port}"
        self.database = bootstrap.database(self.settings, migrate=True)
        self.services = bootstrap.services(self.settings, self.database)
        self.services.accounts.set(PASSWORD)
        self.microphone = Microphone(sound)
        self._namespace = namespace
        self.node: subprocess.Popen[bytes] | None = None
        self.serving: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start everything, and allow that the node is listened to."""
        environment = {**os.environ, **as_environment(self.settings), "OPENBLAS_NUM_THREADS": "1"}
        with (self.folder / "serve.log").open("wb") as log:
            self.serving = subprocess.Popen(
                [sys.executable, "-m", "aggregator", "serve"], env=environment, stdin=subprocess.DEVNULL,
                stdout=log, stderr=log,
            )  # fmt: skip
        self.start_node()
        names = lambda: [one.name for one in self.services.fleet.nodes() if one.online]  # noqa: E731
        wait_until(lambda: NODE in names(), "the node to come", timeout_s=90)
        wait_until(self._answers, "the dashboard to answer", timeout_s=90)
        self.services.listening.allow(NODE, FEATURES, "the test")

    def start_node(self) -> None:
        with (self.folder / "node.log").open("ab") as log:
            self.node = subprocess.Popen(
                [sys.executable, "-m", "edge_agent", "run", "--node-name", NODE, "--node-state",
                 str(self.folder / "state"), "--model-bundle", str(self._bundle), "--input-source", "stdin",
                 "--broker-port", str(self._broker.port), "--broker-namespace", self._namespace,
                 "--live-listening", "true", "--publish-policy", "results", *self._agent],
                stdin=subprocess.PIPE, stdout=log, stderr=log,
                env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},
            )  # fmt: skip
        assert self.node.stdin is not None
        self.microphone.start(self.node.stdin.fileno())

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.address}/healthz", timeout=5) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False

    def said_by_node(self) -> str:
        return (self.folder / "node.log").read_text()

    def stop(self) -> None:
        """End it in good order."""
        self.microphone.stop()
        for process in (self.node, self.serving):
            if process is not None and process.poll() is None:
                process.terminate()
        for process in (self.node, self.serving):
            if process is not None:
                process.wait(20)
                if process.stdin is not None:
                    process.stdin.close()
        self.services.listening.close()
        self.database.close()


def tone(seconds: float, hz: float = 440.0, level: float = 8000.0) -> Pcm:
    times = np.arange(round(seconds * RATE_HZ)) / RATE_HZ
    return (level * np.sin(2 * np.pi * hz * times)).astype(np.int16)
