"""What may go wrong between reviews and a release, with real labels, data set, snapshots and trainer."""

import io
from collections import Counter
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pytest

from aggregator import bootstrap
from aggregator.domain.splits import BLOCK_S
from aggregator.services.dataset import DatasetService
from aggregator.services.labels import LabelService
from aggregator.services.review import ReviewService
from aggregator.services.snapshot import Base, SnapshotService, SnapshotView
from aggregator.services.snapshot_labels import choose
from aggregator.store.database import Database
from aggregator.training.trainer import Trainer
from tests.aggregator.heard import Heard
from tests.aggregator.learning import Review, Workshop
from tests.aggregator.messages import DIGEST, LABELS

BASE = Base(name="starter.base", digest="ab" * 32, frontend_digest=DIGEST, labels=LABELS)
REVIEWS = 40


class Reviewers:
    """People who have called every second window a dog, and the others owls, which the base does not know."""

    def __init__(self, database: Database, folder: Path) -> None:
        heard = Heard(database)
        heard.node("attic", "Loft")
        for number in range(REVIEWS):
            heard.window(at_s=BLOCK_S * number - 40 * BLOCK_S)
        heard.cards()
        self.labels, review = LabelService(database), ReviewService(database)
        self.owl = self.labels.add("owl", "Ada").id
        self.dog = next(label.id for label in self.labels.labels() if label.name == "dog")
        for window in range(1, REVIEWS + 1):
            review.answer(window, "Ada", "label", label_id=self.dog if window % 2 else self.owl)
        self._folder = folder
        self.snapshots = SnapshotService(database, DatasetService(database), folder, new_label_windows=3)

    def names(self, made: SnapshotView) -> Counter[str]:
        """What the windows of a snapshot are called."""
        with np.load(self.snapshots.path(made.id) / "windows.npz", allow_pickle=False) as arrays:
            return Counter(made.labels[place] for place in arrays["label"])


@pytest.fixture
def reviewers(any_database: Database, tmp_path: Path) -> Reviewers:
    return Reviewers(any_database, tmp_path / "snapshots")


def test_labels_renamed_while_they_are_frozen_keep_the_names_of_that_moment(reviewers: Reviewers) -> None:
    def rename(_done: int, _total: int) -> None:
        reviewers.labels.rename(reviewers.owl, "eagle owl", "Bo")
        reviewers.labels.rename(reviewers.dog, "hound", "Bo")

    made = reviewers.snapshots.freeze(BASE, rename)
    assert made.labels == (*LABELS, "owl")
    assert reviewers.names(made) == {"dog": 20, "owl": 20}
    assert reviewers.snapshots.new_labels(DIGEST) == 0, "another name teaches nothing new"


def test_a_label_of_the_base_is_not_learned_twice_after_it_was_renamed(reviewers: Reviewers) -> None:
    """The base's own clips still say dog: windows that say hound would teach it to tell dogs from dogs."""
    reviewers.labels.rename(reviewers.dog, "hound", "Bo")
    reviewers.labels.rename(reviewers.owl, "eagle owl", "Bo")
    made = reviewers.snapshots.freeze(BASE)
    assert made.labels == (*LABELS, "eagle owl")
    assert reviewers.names(made) == {"dog": 20, "eagle owl": 20}
    assert reviewers.snapshots.new_labels(DIGEST) == 0


def test_a_label_of_the_base_that_was_merged_into_a_new_one_stays_the_bases(reviewers: Reviewers) -> None:
    reviewers.labels.merge(reviewers.dog, reviewers.owl, "Bo")
    made = reviewers.snapshots.freeze(BASE)
    assert made.labels == LABELS
    assert reviewers.names(made) == {"dog": 40}


def test_of_two_labels_of_the_base_that_became_one_the_first_is_learned() -> None:
    reviews = [Review(1, "pet"), Review(2, "rain"), Review(3, None)]
    meant = {"dog": "pet", "cat": "pet", "rain": "rain", "pet": "pet"}
    chosen = choose(reviews, ("cat", "dog", "rain"), least=1, meant=meant)
    assert [one.label for one in chosen.reviews] == ["cat", "rain", None]
    assert (chosen.labels, chosen.left_out) == (("cat", "dog", "rain"), {})


class Full(io.FileIO):
    """A file on a disk with no room left."""

    def write(self, content: object) -> int:
        raise OSError(28, "No space left on device")


def full(path: Path) -> BinaryIO:
    return io.BufferedWriter(Full(str(path), "xb"), buffer_size=1)  # type: ignore[return-value]


def test_a_training_whose_snapshot_finds_no_room_fails_and_leaves_no_trace(tmp_path: Path) -> None:
    workshop = Workshop(tmp_path)
    try:
        asked = workshop.trainings.ask("mia")
        folder = workshop.settings.folder / "snapshots"
        Trainer(
            trainings=workshop.trainings,
            releases=workshop.releases,
            snapshots=SnapshotService(workshop.database, workshop.dataset, folder, open_file=full),
            settings=workshop.settings.training,
            limits=bootstrap.limits(workshop.settings),
            folder=workshop.settings.folder / "trainings",
        ).run(lambda: False, until_idle=True)
        done = workshop.trainings.get(asked.id)
        assert done.state == "failed"
        assert done.error is not None
        assert "the disk is full" in done.error
        assert "nothing was left behind" in done.error
        assert (done.snapshot_id, done.release_id, list(folder.iterdir())) == (None, None, [])
        assert workshop.told() == [], "nothing was learned from a part"
        again = workshop.trainings.ask("mia")
        workshop.work()
        assert workshop.trainings.get(again.id).state == "finished", "once there is room"
    finally:
        workshop.close()
