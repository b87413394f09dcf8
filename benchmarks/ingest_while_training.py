"""What a retraining costs ingest: its rate alone and beside a training, in turn, in one run.

    python -m benchmarks.ingest_while_training [--windows 20000]

The aggregator's ingest takes messages from mosquitto at full speed, a window of features among ten. Meanwhile
``aggregator trainer`` freezes so many stored, reviewed windows, and retrains and judges from them in a child
process as it always does. For a round alone that child is stopped, and goes on afterwards; in every other
round beside the training the card index works, too, on the windows that have no card yet. After the rounds
the training goes on without ingest. Its wall time is without stops. A ratio is the median over rounds, each
against the one alone just before it; the rates belong to the machine, and to what else it does.
"""

import argparse
import contextlib
import itertools
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from aggregator import bootstrap
from aggregator.domain import trainings as states
from aggregator.services.background import Background, Task
from aggregator.services.card_index import WINDOWS_AT_ONCE, CardIndex
from aggregator.services.labels import LabelService
from aggregator.settings import Settings, Store, Training, as_environment
from aggregator.store.database import Database
from benchmarks.ingest_rate import client, detection, ingest, leave_session
from benchmarks.reviewed_store import NAMESPACE, NODES, MadeUp, fill, write_starter
from contract import topics
from contract.bundle import read_bundle
from tests.broker import Mosquitto

BUNDLE = Path(__file__).resolve().parents[1] / "models" / "keywords.bundle"
ALONE, TRAINING, CARDS = "alone", "training", "training_and_cards"
FREEZING = "freezing"
WINDOW_EVERY = 10
SAMPLE_S = 0.1
GATE, STEPS = "cards.go", "cards.steps"


class Trainer:
    """``aggregator trainer`` at work on one training, and what it and its children take."""

    def __init__(self, settings: Settings) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "aggregator", "trainer", "--until-idle"],
            env={**os.environ, **as_environment(settings)},
        )
        self.begun_s = time.monotonic()
        self.stopped_s = 0.0
        self.ended_s: float | None = None
        self.usage: Any = None
        self.peak = {"data_mb": 0, "resident_mb": 0}
        self._sampler = threading.Thread(target=self._sample, daemon=True)
        self._sampler.start()

    @property
    def child(self) -> int | None:
        """The factory's process."""
        return _child_of(self._process.pid)

    @property
    def ended(self) -> bool:
        return self.ended_s is not None

    @contextlib.contextmanager
    def stopped(self) -> Iterator[None]:
        """The factory stands still meanwhile."""
        child, begun_s = self.child, time.monotonic()
        _signal(child, signal.SIGSTOP)
        try:
            yield
        finally:
            _signal(child, signal.SIGCONT)
            self.stopped_s += time.monotonic() - begun_s

    def end(self) -> None:
        if self.usage is None:
            _signal(self.child, signal.SIGCONT)
            self._process.terminate()
        self._sampler.join()

    def _sample(self) -> None:
        while True:
            pid, _, usage = os.wait4(self._process.pid, os.WNOHANG)
            if pid:
                self.usage, self.ended_s = usage, time.monotonic()
                self._process.returncode = 0
                return
            child = _child_of(self._process.pid)
            if child is not None:
                for name, field in (("data_mb", "VmData:"), ("resident_mb", "VmHWM:")):
                    self.peak[name] = max(self.peak[name], _status_mb(child, field))
            time.sleep(SAMPLE_S)


def _child_of(pid: int) -> int | None:
    for path in Path(f"/proc/{pid}/task").glob("*/children"):
        with contextlib.suppress(OSError):
            if found := path.read_text().split():
                return int(found[0])
    return None


def _status_mb(pid: int, field: str) -> int:
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith(field):
                return int(line.split()[1]) // 1000
    return 0


def _signal(pid: int | None, number: signal.Signals) -> None:
    if pid is not None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(pid, number)


class CardWorker:
    """The card index in a process of its own, as the dashboard runs it; works only while a file is there."""

    def __init__(self, folder: Path) -> None:
        self._gate = folder / GATE
        words = ["-m", "benchmarks.ingest_while_training", "--cards", str(folder)]
        self._process = subprocess.Popen([sys.executable, *words])

    @contextlib.contextmanager
    def working(self) -> Iterator[None]:
        self._gate.touch()
        try:
            yield
        finally:
            self._gate.unlink()

    def end(self) -> None:
        self._process.terminate()
        self._process.wait()


class Gated:
    """Card index that stands still while the gate is closed."""

    def __init__(self, folder: Path) -> None:
        database = bootstrap.database(_settings(folder), migrate=False)
        self._index, self._gate = CardIndex(database, LabelService(database)), folder / GATE
        self._steps = folder / STEPS

    def step(self) -> bool:
        if not self._gate.exists():
            time.sleep(0.02)
            return False
        more = self._index.step()
        with self._steps.open("a") as file:
            file.write("." if more else "")
        return more


def make_cards(folder: Path) -> None:
    """Work as the dashboard's process does, until the process is ended."""
    Background(Task(name="card-index", work=Gated(folder), idle_s=0.02, complaint="no cards")).start()
    signal.pause()


class Rounds:
    """Publishes and ingests the same number of messages again and again."""

    def __init__(self, port: int, database: Database, folder: Path, count: int, made: MadeUp) -> None:
        self._port, self._database, self._folder, self._count = port, database, folder, count
        self._sent = 0
        self._made = made

    def rate(self) -> float:
        """Messages a second that ingest took."""
        return ingest(self._port, self._count, self._database, self._folder)["messages_per_s"]

    def publish(self) -> None:
        """Let the messages of a round wait at the broker."""
        publisher = client("publisher", clean=True)
        publisher.connect("127.0.0.1", self._port)
        publisher.loop_start()
        for _ in range(self._count):
            self._sent += 1
            node, sequence = f"live-{self._sent % NODES}", self._sent // NODES + 1
            if sequence % WINDOW_EVERY:
                topic, payload = topics.DETECTION, detection(sequence)
            else:
                topic = topics.FEATURES
                payload = self._made.features(sequence, self._made.labels[0], time.time() - 5)
            sent = publisher.publish(topics.topic_name(NAMESPACE, node, topic), payload, 1)
        sent.wait_for_publish(120)
        publisher.disconnect()
        publisher.loop_stop()


def measure(options: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """Rounds of each kind until the training has ended."""
    made = MadeUp(read_bundle(BUNDLE))
    write_starter(made, folder / "starter.base")
    settings = _settings(folder)
    database = bootstrap.database(settings, migrate=True)
    broker = Mosquitto(folder)
    broker.start()
    trainer = cards = None
    try:
        fill(database, made, options.windows)
        for topic in (topics.DETECTION, topics.FEATURES):
            leave_session(broker.port, "soundpost-aggregator", topic)
        rounds = Rounds(broker.port, database, folder, options.messages, made)
        for _ in range(2):
            rounds.publish()
            rounds.rate()
        cards = CardWorker(folder)
        trainings = bootstrap.retraining(settings, database)
        training_id = trainings.ask("benchmark").id
        trainer = Trainer(settings)
        rates: dict[str, list[float]] = {FREEZING: [], ALONE: [], TRAINING: [], CARDS: []}
        turns = itertools.cycle((ALONE, TRAINING, ALONE, CARDS))
        deadline_s = trainer.begun_s + 60 * options.minutes
        while not trainer.ended and time.monotonic() < deadline_s and len(rates[CARDS]) < options.rounds:
            rounds.publish()
            frozen = trainings.get(training_id).state in (states.LEARNING, states.JUDGING)
            kind = next(turns) if frozen and trainer.child is not None else FREEZING
            with contextlib.ExitStack() as beside:
                if kind == ALONE:
                    beside.enter_context(trainer.stopped())
                if kind == CARDS:
                    beside.enter_context(cards.working())
                rate = rounds.rate()
            if not trainer.ended:
                rates[kind].append(rate)
        beside_s = time.monotonic() - trainer.begun_s - trainer.stopped_s
        while not trainer.ended and time.monotonic() < deadline_s:
            time.sleep(0.5)
        trainer.end()
        ended = trainings.get(training_id)
    finally:
        for one in (trainer, cards):
            if one is not None:
                one.end()
        broker.stop()
        database.close()
    steps = folder / STEPS
    cards_made = WINDOWS_AT_ONCE * steps.stat().st_size if steps.exists() else 0
    return _told(options, rates, trainer, ended, beside_s) | {"cards_made": cards_made}


def _told(
    options: argparse.Namespace, rates: dict[str, list[float]], trainer: Trainer, ended: Any, beside_s: float
) -> dict[str, Any]:
    medians = {kind: round(statistics.median(values)) for kind, values in rates.items() if values}
    wall_s = (trainer.ended_s or time.monotonic()) - trainer.begun_s - trainer.stopped_s
    cpu_s = trainer.usage.ru_utime + trainer.usage.ru_stime
    return {
        "cores": len(os.sched_getaffinity(0)),
        "windows": options.windows,
        "messages_per_round": options.messages,
        "rounds": {kind: len(values) for kind, values in rates.items()},
        "messages_per_s": medians,
        "ratio": {kind: _ratio(rates, kind) for kind in (TRAINING, CARDS) if rates[kind]},
        "each": rates,
        "training": {
            "state": ended.state,
            "error": ended.error,
            "wall_s": round(wall_s, 1),
            "of_these_beside_ingest_s": round(beside_s, 1),
            "cpu_s": round(cpu_s, 1),
            **{f"peak_{name}": value for name, value in trainer.peak.items()},
        },
    }


def _ratio(rates: dict[str, list[float]], kind: str) -> float:
    """Median over rounds of a kind, each against the round alone just before it."""
    alone = rates[ALONE][0 if kind == TRAINING else 1 :: 2]
    return round(statistics.median(mine / other for mine, other in zip(rates[kind], alone, strict=False)), 2)


def _settings(folder: Path) -> Settings:
    return Settings(
        store=Store(folder=str(folder / "data")),
        training=Training(base=str(folder / "starter.base"), bundle=str(BUNDLE)),
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--windows", type=int, default=20_000)
    parser.add_argument("--messages", type=int, default=3_000, help="in each round")
    parser.add_argument("--rounds", type=int, default=15, help="beside the training, of each kind")
    parser.add_argument("--minutes", type=float, default=10.0, help="end the training after so long")
    parser.add_argument("--cards", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.cards:
        make_cards(options.cards)
        return
    with tempfile.TemporaryDirectory() as name:
        print(json.dumps(measure(options, Path(name)), indent=1))


if __name__ == "__main__":
    main()
