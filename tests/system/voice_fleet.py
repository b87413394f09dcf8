"""Ingest and the relay of talk in this process; nodes as agents of their own that play into files."""

import json
import subprocess
import threading
from pathlib import Path
from typing import Any, Self

import numpy as np
import soundfile
from numpy.typing import NDArray

from aggregator import bootstrap
from aggregator.errors import UnknownNodeError
from aggregator.services.talk import TalkService
from aggregator.settings import Settings, load
from aggregator.store.database import Database
from contract.audio import RATE_HZ
from tests.broker import Mosquitto
from tests.edge_agent.agent_process import AGENT, clean_environment

Pcm = NDArray[np.int16]


def a_voice(seconds: float, pitch_hz: float = 150.0) -> Pcm:
    """A tone with overtones that swells and falls three times a second, as syllables do."""
    times = np.arange(round(seconds * RATE_HZ)) / RATE_HZ
    swell = 0.6 - 0.4 * np.cos(2 * np.pi * 3 * times)
    tones = sum(np.sin(2 * np.pi * pitch_hz * n * times) / n for n in range(1, 16))
    return np.asarray(3000 * swell * tones, np.int16)


class Relay:
    """What the dashboard's process does for people who talk, and ingest."""

    def __init__(self, folder: Path, broker: Mosquitto) -> None:
        self.settings: Settings = load(
            None, {}, {"broker.port": str(broker.port), "store.folder": str(folder / "store")}
        )
        self.database: Database = bootstrap.database(self.settings, migrate=True)
        self.services = bootstrap.services(self.settings, self.database)
        self.talk: TalkService = self.services.talk
        self._link = bootstrap.talk_link(self.settings, self.talk)
        self._ingest = bootstrap.subscriber(self.settings, self.database)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._ingest.run, args=(self._stop.is_set,))

    def __enter__(self) -> Self:
        self._thread.start()
        self._link.start()
        return self

    def __exit__(self, *_: Any) -> None:
        self.talk.close()
        self._link.close()
        self._stop.set()
        self._thread.join(20)
        self.database.close()

    def knows(self, node: str) -> bool:
        try:
            return self.talk.node(node).online
        except UnknownNodeError:
            return False

    def audit(self, action: str, who: str) -> list[dict[str, Any]]:
        """The details of what was recorded, the newest first."""
        entries = self.services.audit.newest()
        return [dict(one.details) for one in entries if (one.action, one.who) == (action, who)]


class TalkingNode:
    """One agent; what is said to it lies in ``played``."""

    def __init__(
        self, folder: Path, name: str, broker: Mosquitto, bundle: Path, *, allowed: bool = True
    ) -> None:
        self.name, self.folder = name, folder / name
        self.folder.mkdir()
        self.played = self.folder / "played.wav"
        quiet = self.folder / "quiet.wav"
        soundfile.write(quiet, np.zeros(RATE_HZ, np.int16), RATE_HZ)
        self.flags = [
            "--node-name", name, "--node-state", str(self.folder / "state"), "--model-bundle", str(bundle),
            "--input-source", "files", "--input-path", str(quiet), "--input-loop", "true",
            "--broker-port", str(broker.port), "--health-log-format", "json",
            "--talk-allowed", str(allowed).lower(), "--talk-output", "file", "--talk-path", str(self.played),
        ]  # fmt: skip
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with (self.folder / "agent.log").open("ab") as log:
            self._process = subprocess.Popen(
                [*AGENT, "run", *self.flags], stderr=log, env=clean_environment()
            )

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(20)

    def says(self, to: str, recording: Path, *more: str) -> "subprocess.Popen[str]":
        """``edge-agent talk``, begun at this node."""
        return subprocess.Popen(
            [*AGENT, "talk", to, "--in", str(recording), "--json", *more, *self.flags],
            env=clean_environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip

    def said(self, to: str, recording: Path, *more: str) -> dict[str, Any]:
        """The same, to its end; what it tells."""
        return finished(self.says(to, recording, *more))

    def heard(self) -> Pcm:
        """All that was played here."""
        sound, rate_hz = soundfile.read(self.played, dtype="int16")
        assert rate_hz == RATE_HZ
        return np.asarray(sound, np.int16)

    def forget(self) -> None:
        self.played.unlink(missing_ok=True)


def finished(process: "subprocess.Popen[str]") -> dict[str, Any]:
    """What a talk told, after its end, beside ``status`` and ``errors``."""
    told, errors = process.communicate(timeout=60)
    plain: dict[str, Any] = json.loads(told) if told.strip() else {}
    return plain | {"status": process.returncode, "errors": errors}


def loud_seconds(sound: Pcm) -> float:
    """How long a voice is in it."""
    hops = sound[: sound.size // 320 * 320].reshape(-1, 320).astype(float)
    return float((np.sqrt((hops**2).mean(axis=1)) > 100).sum() * 0.02)


def pitch_hz(sound: Pcm) -> float:
    """Of the loudest tone below 500 Hz."""
    spectrum = np.abs(np.fft.rfft(sound.astype(float) * np.hanning(sound.size)))
    below = spectrum[: round(500 * sound.size / RATE_HZ)]
    return float(below.argmax() * RATE_HZ / sound.size)
