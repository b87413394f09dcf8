"""A broker, an aggregator, and agents that play their recordings, all real and on loopback."""

import secrets
import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from aggregator import bootstrap, settings
from aggregator.demo.broker import start_broker
from aggregator.demo.children import Children, DemoError, free_port
from aggregator.demo.nodes import agent_command, toml
from aggregator.services.catalogue import Services
from benchmarks.learning_loop.replay import Reel, sites
from benchmarks.learning_loop.starter import Starter

SAMPLING: Final = {"uncertain_margin": 0.6, "uncertain_entropy": 0.3}
"""More than a node sends by itself: these nodes listen for a minute, not for weeks."""
BEFORE_S: Final = 1.5
"""Sound before a detection in its window: it is reported half a second after a word, which shall be whole."""
BEGINNING_S, DRAIN_S = 60.0, 180.0
MANY: Final = 100_000
REVIEWER: Final = "Ada"
_AGGREGATOR = (sys.executable, "-m", "aggregator")


class Fleet:
    """Runs as long as its ``children`` do."""

    def __init__(self, children: Children, folder: Path, starter: Starter, epochs: int) -> None:
        self._children, self._folder, self._starter = children, folder, starter
        self.password = secrets.token_urlsafe(9)
        broker = start_broker(children, folder, "auto")
        self._broker = {"host": "127.0.0.1", "port": broker.port, "protocol": broker.protocol}
        port = free_port()
        self.address = f"http://127.0.0.1:{port}"
        config = folder / "aggregator.toml"
        config.write_text(toml({
            "broker": self._broker,
            "store": {"folder": str(folder / "store")},
            "web": {"port": port},
            "training": {"base": str(starter.base), "bundle": str(starter.bundle), "epochs": epochs},
        }))  # fmt: skip
        for made in (["password"], ["user", "add", REVIEWER, "--role", "reviewer", "--role", "operator"]):
            subprocess.run(
                [*_AGGREGATOR, *made, "--config", str(config)],
                input=self.password.encode(), check=True, capture_output=True,
            )  # fmt: skip
        children.start_and_wait("aggregator", [*_AGGREGATOR, "serve", "--config", str(config)])
        children.wait_for_port(port)
        chosen = settings.load(config, {}, {})
        self._releases = chosen.folder / "releases"
        self._database = bootstrap.database(chosen, migrate=False)
        self._services: Services = bootstrap.services(chosen, self._database)

    def play(self, reels: Iterable[Reel]) -> None:
        """Let each node play its recording, once and as it would be heard, and deliver what it found."""
        reels = list(reels)
        lasts_s = max(reel.duration_s for reel in reels)
        now_s = time.time()
        places = sites(now_s, now_s + BEGINNING_S + lasts_s)
        agents = [
            self._children.start(reel.node, agent_command(self._settings(reel, site), "run"))
            for reel, site in zip(reels, places, strict=True)
        ]
        deadline = time.monotonic() + BEGINNING_S + lasts_s + DRAIN_S
        for agent in agents:
            agent.wait(max(1.0, deadline - time.monotonic()))
        self._children.check()
        while self._services.review.progress().unindexed:
            if time.monotonic() > deadline:
                raise DemoError("the dashboard makes no cards; see aggregator.log")
            time.sleep(0.2)

    def _settings(self, reel: Reel, site: str) -> Path:
        state = self._folder / f"{reel.node}.state"
        sections: dict[str, dict[str, Any]] = {
            "node": {"name": reel.node, "site": site, "state": str(state)},
            "model": {"bundle": str(self._starter.bundle)},
            "input": {"source": "files", "path": str(reel.path)},
            "broker": self._broker,
            "publish": {"before_s": BEFORE_S},
            "sampling": SAMPLING,
        }
        path = self._folder / f"{reel.node}.toml"
        path.write_text(toml(sections))
        return path

    def windows(self) -> list[int]:
        """The windows that wait for a review, by their ids."""
        return self._services.review.waiting(limit=MANY)

    def window(self, window_id: int) -> tuple[str, NDArray[np.int8]]:
        """The node that sent a window, and its frames."""
        window = self._services.detections.window(window_id)
        if window is None:
            raise LookupError(f"there is no window {window_id}")
        return window.node, window.features

    def candidate(self) -> Path | None:
        """The bundle that the last training made, if it made one."""
        newest = self._services.releases.every()[0]
        return self._releases / f"{newest.digest}.bundle" if newest.training_id else None

    def close(self) -> None:
        """Let go of the database."""
        self._database.close()
