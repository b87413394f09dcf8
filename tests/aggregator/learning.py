"""An aggregator that can train: stored windows, reviews, and a factory that does as it is told."""

import json
import shlex
import sys
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from aggregator import bootstrap
from aggregator.services.ingest import IngestService
from aggregator.services.releases import ReleaseService
from aggregator.services.retrain import RetrainService
from aggregator.settings import Settings, Store, Training, as_environment
from aggregator.store.database import Database
from aggregator.training.trainer import Trainer
from contract.bundle import read_bundle
from tests.aggregator import judged, messages
from tests.conftest import ROOT
from tests.environment import clean_environment

STARTER = ROOT / "models" / "keywords.bundle"
FACTORY = ROOT / "tests" / "aggregator" / "fake_factory.py"
SPLITS = ("training", "validation", "test")


@dataclass(frozen=True)
class Review:
    """What H2's data set says of a window, as far as a snapshot asks."""

    window_id: int
    label: str | None
    agreed: bool = True
    split: str = "training"


class FakeDataset:
    """Reviews that lie in a file, so that another process sees what the test changes."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def reviewed(self, frontend_digest: str) -> list[Review]:
        plain = json.loads(self.path.read_text()) if self.path.exists() else {}
        return [Review(**one) for one in plain.get(frontend_digest, [])]

    def review(self, reviews: list[Review], frontend_digest: str) -> None:
        self.path.write_text(json.dumps({frontend_digest: [asdict(one) for one in reviews]}))


class Workshop:
    """Everything below one folder. The database has windows 1 to ``windows``, all reviewed as ``yes``."""

    def __init__(self, folder: Path, *, windows: int = 12, **training: Any) -> None:
        self.folder = folder
        self.log = folder / "factory.log"
        self.base = folder / "starter.base"
        self.starter = read_bundle(STARTER)
        self.plan(behaviour=None)
        self.settings = Settings(
            store=Store(folder=str(folder / "data")),
            training=replace(
                Training(
                    base=str(self.base), bundle=str(STARTER),
                    command=shlex.join([sys.executable, str(FACTORY)]), memory_mb=1000,
                ),
                **training,
            ),
        )  # fmt: skip
        self.database: Database = bootstrap.database(self.settings, migrate=True)
        self.dataset = FakeDataset(folder / "reviews.json")
        self.store_windows(windows)
        self.review(windows)

    @property
    def frontend_digest(self) -> str:
        return self.starter.manifest.frontend_digest

    @property
    def trainings(self) -> RetrainService:
        return bootstrap.retraining(self.settings, self.database)

    @property
    def releases(self) -> ReleaseService:
        return bootstrap.releases(self.settings, self.database)

    def trainer(self) -> Trainer:
        return bootstrap.trainer(self.settings, self.database, self.dataset)

    def work(self) -> None:
        """Work the queue off, in this process."""
        self.trainer().run(lambda: False, until_idle=True)

    def plan(self, **changes: Any) -> None:
        """Say what the factory shall do. Without more it makes a candidate as good as the incumbent."""
        labels = list(self.starter.manifest.labels)
        clips = judged.plain(clips=judged.answers("yes", 90, 10) + judged.answers("no", 95, 5))["base"]
        plan = {
            "bundle": str(STARTER), "log": str(self.log), "behaviour": None,
            "candidate": {"labels": labels, "base": clips}, "incumbent": {"labels": labels, "base": clips},
        }  # fmt: skip
        self.base.write_text(json.dumps(plan | changes))

    def poison(self) -> None:
        """Let the next candidate have learned nonsense."""
        plan = json.loads(self.base.read_text())
        spoilt = judged.plain(clips=judged.answers("yes", 60, 40, "no") + judged.answers("no", 70, 30, "yes"))
        alarms = {"hours": 10.0, "false_alarms": 21, "at_s": []}
        self.plan(candidate=plan["candidate"] | {"base": spoilt["base"], "streams": alarms})

    def store_windows(self, count: int, first: int = 1) -> None:
        """Let ingest store windows of the starter's front end."""
        ingest = IngestService(self.database, messages.NAMESPACE, now=lambda: messages.NOW_S)
        frames = [bytes((number * 7 + at) % 256 for at in range(80)) * 20 for number in range(count)]
        ingest.store(
            [
                messages.incoming(
                    messages.features(
                        first + number, frames=frames[number], frontend_digest=self.frontend_digest,
                        labels=("yes", "no", "_silence_"), step_ms=80,
                        posteriors=bytes([0, 9, 200, 90, 3, 10]),
                    )
                )
                for number in range(count)
            ]
        )  # fmt: skip

    def review(self, count: int, label: str | None = "yes") -> None:
        """Review windows 1 to ``count``."""
        self.dataset.review(
            [Review(number, label, split=SPLITS[number % 3]) for number in range(1, count + 1)],
            self.frontend_digest,
        )

    def told(self) -> list[str]:
        """What the factory noted."""
        return self.log.read_text().splitlines() if self.log.exists() else []

    def environment(self) -> dict[str, str]:
        """For a program of its own; see ``training_program``."""
        return clean_environment() | as_environment(self.settings) | {"REVIEWS": str(self.dataset.path)}

    def close(self) -> None:
        self.database.close()
