"""A fleet that hears made-up words: ingest stores its windows, and its pages are served."""

import random
import urllib.request
from pathlib import Path
from typing import Any

import numpy as np

from aggregator import bootstrap
from aggregator.domain.figures import Figures
from aggregator.domain.splits import BLOCK_S
from aggregator.services.card_index import CardIndex
from aggregator.services.ingest import IngestService
from aggregator.services.labels import LabelService
from aggregator.services.releases import ReleaseService
from aggregator.services.snapshot import SnapshotView
from aggregator.settings import Settings, Store, Training, Web, as_environment
from aggregator.store.database import Database
from contract.bundle import Bundle, read_bundle
from contract.manifest import CLASSIFIER
from model_build.retrain.base_file import write_base
from model_build.runtime import Classifier
from model_build.shape import STEP_FRAMES
from tests.aggregator import messages
from tests.aggregator.heard import boot_of
from tests.broker import free_port
from tests.environment import clean_environment
from tests.model_build.fleet import Window
from tests.model_build.starter import NEW, TARGETS, starter, starter_bundle, window
from tests.system.fleet import AGGREGATOR, Program
from tests.system.reviewer import NONE
from tests.waiting import wait_until

REVIEWS = 60
OTHER = "bed"
"""A word that is none of the labels."""
SITES = {"attic": "Loft", "shed": "Garden", "porch": "Garden", "barn": "Yard"}
SAID = [NEW] * 32 + [*TARGETS] * 10 + [OTHER] * 8 + [None] * 8
"""What is heard, in all; none: nothing but noise."""
FIRST_S = messages.NOW_S - 12 * 86_400
"""From here on each split gets a part of every label that is near its share."""


PASSWORD = "correct horse battery"


class ReviewedFleet:
    """An aggregator with a starter model and the windows of a fleet; its dashboard and its trainer run."""

    def __init__(self, folder: Path) -> None:
        base, bundle = folder / "starter.base", folder / "starter.bundle"
        content = starter_bundle()
        bundle.write_bytes(content)
        self.starter: Bundle = read_bundle(content)
        write_base(starter(self.starter.digest), base)
        self.settings = Settings(
            store=Store(folder=str(folder / "data")),
            web=Web(port=free_port()),
            training=Training(base=str(base), bundle=str(bundle)),
        )
        self.address = f"http://127.0.0.1:{self.settings.web.port}"
        self.database: Database = bootstrap.database(self.settings, migrate=True)
        self.services = bootstrap.services(self.settings, self.database)
        self._programs = [
            Program(name, [*AGGREGATOR, name], folder, clean_environment() | as_environment(self.settings))
            for name in ("web", "trainer")
        ]
        self.truth: dict[int, str] = {}
        """What is heard in each window, as a reviewer says it."""

    def hear(self) -> None:
        """Let nodes at several places hear every word in several hours, and ingest store it."""
        ingest = IngestService(self.database, messages.NAMESPACE, now=lambda: messages.NOW_S)
        for node, site in SITES.items():
            ingest.store([messages.incoming(messages.birth(boot=boot_of(node), site=site), node)])
        said = list(SAID)
        random.Random(4).shuffle(said)
        for number, name in enumerate(said):
            node = list(SITES)[number % len(SITES)]
            heard = window(name, 10_000 + 10 * number)
            ingest.store([messages.incoming(self._message(node, number, heard), node)])
            self.truth[number + 1] = NONE if name in (OTHER, None) else str(name)
        CardIndex(self.database, LabelService(self.database)).finish()

    def _message(self, node: str, number: int, heard: Window) -> Any:
        manifest = self.starter.manifest
        posteriors = Classifier(self.starter.files[CLASSIFIER]).clip(heard.frames, STEP_FRAMES)
        start_s = FIRST_S + number * BLOCK_S + 30.0
        return messages.features(
            number + 1,
            boot=boot_of(node),
            model=manifest.model,
            frontend_digest=manifest.frontend_digest,
            reason="uncertain",
            detection=None,
            start_s=start_s,
            wall_s=start_s + 5,
            frames=heard.frames.tobytes(),
            labels=manifest.labels,
            step_ms=80,
            posteriors=np.rint(posteriors.clip(0, 1) * 255).astype(np.uint8).tobytes(),
        )

    def serve(self) -> None:
        """Start the dashboard, with Ada as its first user beside the administrator, and the trainer."""
        self.services.accounts.set(PASSWORD)
        self.services.users.add("Ada", PASSWORD, ["reviewer", "operator"], "a test")
        for program in self._programs:
            program.start()
        wait_until(self._answers, "the dashboard answers")

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.address}/healthz", timeout=5):
                return True
        except OSError:
            return False

    @property
    def releases(self) -> ReleaseService:
        """The registry."""
        return self.services.releases

    def judged(self, release_id: int) -> tuple[Figures, Figures]:
        """What the gate was told of a candidate and of the starter."""
        detail = self.releases.detail(release_id)
        assert detail.candidate is not None
        assert detail.incumbent is not None
        return detail.candidate, detail.incumbent

    def snapshot(self, snapshot_id: int | None) -> SnapshotView:
        """A frozen state of the data set."""
        found = self.services.snapshots.find(snapshot_id or 0)
        assert found is not None
        return found

    def close(self) -> None:
        """Stop the programs and let go of the database."""
        for program in self._programs:
            if program.running():
                program.stop()
        self.database.close()
