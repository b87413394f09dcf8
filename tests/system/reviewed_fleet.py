"""A fleet that hears made-up words, whose windows are stored as ingest stores them and reviewed by people."""

import json
import os
import random
import subprocess
import sys
from dataclasses import dataclass
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
from aggregator.services.review import ReviewService
from aggregator.services.snapshot import SnapshotView
from aggregator.settings import Settings, Store, Training, as_environment
from aggregator.store.database import Database
from contract.bundle import Bundle, read_bundle
from contract.manifest import CLASSIFIER
from model_build.retrain.base_file import write_base
from model_build.runtime import Classifier
from model_build.shape import STEP_FRAMES
from tests.aggregator import messages
from tests.aggregator.heard import boot_of
from tests.model_build.fleet import Window
from tests.model_build.starter import NEW, TARGETS, starter, starter_bundle, window

REVIEWS = 60
OTHER = "bed"
"""A word that is none of the labels."""
SITES = {"attic": "Loft", "shed": "Garden", "porch": "Garden", "barn": "Yard"}
SAID = [NEW] * 32 + [*TARGETS] * 10 + [OTHER] * 8 + [None] * 8
"""What is heard, in all; none: nothing but noise."""
FIRST_S = messages.NOW_S - 12 * 86_400
"""From here on each split gets a part of every label that is near its share."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """What ``aggregator retrain --wait --json`` said."""

    status: int
    told: dict[str, Any]
    errors: str

    @property
    def refusals(self) -> list[str]:
        """Why the gate refused."""
        rules = self.told["verdict"]["rules"]
        return [rule["sentence"] for rule in rules if not rule["passed"]]


class ReviewedFleet:
    """An aggregator with a starter model, the windows of a fleet, and people who review them."""

    def __init__(self, folder: Path) -> None:
        base, bundle = folder / "starter.base", folder / "starter.bundle"
        content = starter_bundle()
        bundle.write_bytes(content)
        self.starter: Bundle = read_bundle(content)
        write_base(starter(self.starter.digest), base)
        self.settings = Settings(
            store=Store(folder=str(folder / "data")),
            training=Training(base=str(base), bundle=str(bundle)),
        )
        self.database: Database = bootstrap.database(self.settings, migrate=True)
        self.truth: dict[int, str | None] = {}

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
            self.truth[number + 1] = None if name == OTHER else name
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

    def review(self, *, wrong: float = 0.0, seed: int = 0) -> int:
        """Answer ``REVIEWS`` cards in the order of the queue; a part of them with a wrong label."""
        labels = LabelService(self.database)
        ids = {one.name: one.id for one in labels.labels()}
        ids[NEW] = labels.add(NEW, "Ada").id
        review = ReviewService(self.database)
        mistaken = set(random.Random(seed).sample(range(REVIEWS), round(wrong * REVIEWS)))
        choice = random.Random(seed + 1)
        for number in range(REVIEWS):
            card = review.next("Ada")
            assert card is not None
            said = self.truth[card.window.id]
            if number in mistaken:
                said = choice.choice([one for one in (*TARGETS, NEW) if one != said])
            if said is None:
                review.answer(card.window.id, "Ada", "none")
            else:
                review.answer(card.window.id, "Ada", "label", label_id=ids[said])
        return len(mistaken)

    def retrain(self) -> Ended:
        """``aggregator retrain --wait``: another process, its trainer, and the factory."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("SOUNDPOST_")}
        done = subprocess.run(
            [sys.executable, "-m", "aggregator", "retrain", "--wait", "--json"],
            env=kept | as_environment(self.settings),
            capture_output=True,
            text=True,
            check=False,
        )
        told = json.loads(done.stdout) if done.stdout else {}
        return Ended(status=done.returncode, told=told, errors=done.stderr)

    @property
    def releases(self) -> ReleaseService:
        """The registry."""
        return bootstrap.releases(self.settings, self.database)

    def judged(self, release_id: int) -> tuple[Figures, Figures]:
        """What the gate was told of a candidate and of the starter."""
        detail = self.releases.detail(release_id)
        assert detail.candidate is not None
        assert detail.incumbent is not None
        return detail.candidate, detail.incumbent

    def snapshot(self, snapshot_id: int | None) -> SnapshotView:
        """A frozen state of the data set."""
        found = bootstrap.services(self.settings, self.database).snapshots.find(snapshot_id or 0)
        assert found is not None
        return found

    def close(self) -> None:
        """Let go of the database."""
        self.database.close()
