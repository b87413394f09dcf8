"""What the aggregator freezes is what the factory reads: the two share nothing but the files."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from aggregator.services.snapshot import Base, SnapshotService, SnapshotView
from model_build.retrain.snapshot import SPLITS, read_snapshot
from tests.aggregator.learning import Review, Workshop


@pytest.fixture
def workshop(tmp_path: Path) -> Iterator[Workshop]:
    made = Workshop(tmp_path)
    yield made
    made.close()


def frozen_by(workshop: Workshop, reviews: list[Review]) -> tuple[SnapshotView, Path]:
    workshop.dataset.review(reviews, workshop.frontend_digest)
    frozen = SnapshotService(
        workshop.database, workshop.dataset, workshop.folder / "snapshots", new_label_windows=2
    )
    manifest = workshop.starter.manifest
    base = Base(
        name="starter", digest="c" * 64, frontend_digest=manifest.frontend_digest, labels=manifest.labels
    )
    made = frozen.freeze(base)
    return made, frozen.path(made.id)


def test_the_factory_reads_what_was_frozen(workshop: Workshop) -> None:
    reviews = [Review(number, "wolf", split=SPLITS[number % 2]) for number in range(1, 9)]
    reviews += [Review(9, "owl"), Review(10, None), Review(11, "yes", split="test")]
    made, folder = frozen_by(workshop, reviews)
    read = read_snapshot(folder)
    assert made.left_out == {"owl": 1}
    assert (read.head.digest, read.head.windows, read.head.labels) == (made.digest, 10, made.labels)
    assert [read.name(index) for index in range(10)] == ["wolf"] * 8 + [None, "yes"]
    assert read.peak_step.tolist() == [1] * 10


def test_a_new_label_without_a_window_of_validation_waits(workshop: Workshop) -> None:
    """The factory chooses its threshold there, and would refuse it."""
    reviews = [Review(number, "wolf", split="training") for number in range(1, 7)]
    reviews += [Review(7, "wolf", split="test"), Review(8, "yes")]
    made = frozen_by(workshop, reviews)[0]
    assert "wolf" not in made.labels
    assert made.left_out == {"wolf": 7}
