"""A real aggregator with a database of its own: the web server as a process, messages through real ingest."""

import os
import secrets
import signal
import ssl
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any

from aggregator import bootstrap
from aggregator.services.inbox import Incoming
from aggregator.services.ingest import IngestService
from aggregator.settings import Settings, Store, Web, as_environment
from contract import messages, topics, wire
from contract.record import Record
from contract.sampling import Sampling
from contract.topics import Topic
from tests.aggregator.web import sounds
from tests.broker import free_port

PASSWORD = "correct horse battery"
LABELS = ("dog", "rain", "siren", "chirping_birds", "_background_")
DIGEST = "cd" * 32


class Hub:
    """``aggregator web``, and a way to hand messages to ingest."""

    def __init__(self, folder: Path, **web: Any) -> None:
        self.settings = Settings(store=Store(folder=str(folder)), web=Web(port=free_port(), **web))
        self.address = self.settings.web_address
        self.context: ssl.SSLContext | None = None
        self._database = bootstrap.database(self.settings, migrate=True)
        self.services = bootstrap.services(self.settings, self._database)
        self._ingest = IngestService(self._database, self.settings.fleet.namespace)
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start the server and wait until it answers."""
        log = (self.settings.folder / "web.log").open("wb")
        with log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "aggregator", "web"],
                env={**os.environ, **as_environment(self.settings)},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            try:
                with urllib.request.urlopen(
                    f"{self.address}/healthz", timeout=5, context=self.context
                ) as answer:
                    assert answer.status == 200
                return
            except OSError:
                assert self._process.poll() is None, (self.settings.folder / "web.log").read_text()
                time.sleep(0.1)
        raise AssertionError("the web server did not start; see web.log")

    def stop(self) -> None:
        """End the server in good order."""
        if self._process is not None:
            self._process.send_signal(signal.SIGTERM)
            self._process.wait(20)
        self._database.close()

    def send(self, node: str, topic: Topic, record: Record) -> None:
        """Let ingest store what ``node`` says."""
        name = topics.topic_name(self.settings.fleet.namespace, node, topic)
        content = wire.encode(topic, record)
        self._ingest.store([Incoming(topic=name, payload=content, retained=False, received_s=time.time())])


class Node:
    """A node that says what a test wants."""

    def __init__(self, hub: Hub, name: str, site: str = "") -> None:
        self.name = name
        self._hub = hub
        self._site = site
        self._boot = secrets.token_hex(8)
        self._sequence = 0
        self._began = time.time()

    def come(self, sampling: Sampling | None = None) -> None:
        """Introduce itself."""
        birth = messages.Birth(
            **self._stamp(), agent_version="0.1.0", model="sounds@1.0.0", bundle_digest=DIGEST,
            frontend_digest=DIGEST, labels=LABELS, thresholds=(0.5, 0.5, 0.6, 0.6, None), step_ms=200,
            publish="results+features", sampling=sampling, input="USB microphone",
            runtime="ai-edge-litert 2.1", platform="Raspberry Pi 4, Linux aarch64", site=self._site,
            tags=("outdoor",), started_s=self._began, clock_synced=True, takes_updates=True,
        )  # fmt: skip
        self._hub.send(self.name, topics.BIRTH, birth)
        self._state(online=True)

    def go(self) -> None:
        """Leave, as the broker would report it."""
        self._state(online=False)

    def beat(self, level_dbfs: float, **changes: object) -> None:
        """Report level and health."""
        values = {
            "levels_dbfs": (level_dbfs,), "peak_dbfs": level_dbfs + 9, "input_state": "hearing",
            "heard_s": 100.0, "overruns": 0, "cpu_percent": 1.6, "rss_bytes": 51_000_000,
            "temperature_c": 47.0, "disk_free_bytes": 21_000_000_000, "outbox_rows": 0, "outbox_bytes": 0,
            "last_sequence": self._sequence, "dropped": 0, "clock_synced": True,
        }  # fmt: skip
        self._hub.send(
            self.name, topics.HEARTBEAT, messages.Heartbeat(**self._stamp(), **{**values, **changes})
        )

    def hear(self, label: str, posterior: float = 0.93, *, ago_s: float = 0.5) -> int:
        """Report a detection; its sequence."""
        end = time.time() - ago_s
        detection = messages.Detection(
            **self._stamp(), sequence=self._next(), model="sounds@1.0.0", frontend_digest=DIGEST, label=label,
            posterior=posterior, threshold=0.5, start_s=end - 1.4, end_s=end, level_dbfs=-23.5,
        )  # fmt: skip
        self._hub.send(self.name, topics.DETECTION, detection)
        return detection.sequence

    def show(self, label: str, sequence: int, posterior: float = 0.93, *, ago_s: float = 0.5) -> None:
        """Send the window around a detection."""
        drawn = sounds.features(label, seed=sequence)
        window = messages.Features(
            **self._stamp(), sequence=self._next(), model="sounds@1.0.0", frontend_digest=DIGEST,
            reason="detection", detection=sequence, start_s=time.time() - ago_s - 2.4, hop_ms=20, mel_bins=80,
            frames=drawn.tobytes(), step_ms=200, labels=LABELS,
            posteriors=sounds.posteriors(drawn, LABELS.index(label), len(LABELS), posterior).tobytes(),
        )  # fmt: skip
        self._hub.send(self.name, topics.FEATURES, window)

    def miss(self, reason: str, lasted_s: float, *, ago_s: float) -> None:
        """Declare time that was not heard."""
        start = time.time() - ago_s
        gap = messages.Gap(
            **self._stamp(), sequence=self._next(), reason=reason, gap_boot=self._boot, ranges=(),
            start_s=start, end_s=start + lasted_s,
        )  # fmt: skip
        self._hub.send(self.name, topics.GAP, gap)

    def _state(self, *, online: bool) -> None:
        self._hub.send(self.name, topics.STATE, messages.State(boot=self._boot, online=online))

    def _stamp(self) -> dict[str, object]:
        now = time.time()
        return {"boot": self._boot, "wall_s": now, "monotonic_s": now - self._began + 100}

    def _next(self) -> int:
        self._sequence += 1
        return self._sequence
