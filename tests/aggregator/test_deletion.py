"""What is deleted is gone from everywhere, and what was cut off is done later."""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pytest
from sqlalchemy import text

from aggregator import bootstrap
from aggregator.errors import DeletionError, SnapshotError, UnknownNodeError, UnknownWindowError
from aggregator.services import deletion as services
from aggregator.services import durable_files
from aggregator.services.deletion import DeletionService
from aggregator.services.ingest import IngestService
from aggregator.services.retrain import RetrainService
from aggregator.services.review import ReviewService
from aggregator.services.snapshot import Base, SnapshotService, SnapshotView
from aggregator.services.snapshot_purge import SnapshotPurge
from aggregator.services.statistics import StatisticsService
from aggregator.store.database import Database
from tests.aggregator.heard import Heard
from tests.aggregator.learning import Workshop
from tests.aggregator.messages import (
    LATER_BOOT,
    NAMESPACE,
    NOW_S,
    detection,
    features,
    gap,
    heartbeat,
    incoming,
    raw,
)

SECRET = bytes(range(1, 81)) * 100


def purge(database: Database, folder: Path, **more: Any) -> SnapshotPurge:
    return SnapshotPurge(database, RetrainService(database, missing=lambda: None), folder, **more)


def service(database: Database, folder: Path) -> DeletionService:
    return DeletionService(database, purge(database, folder), now=lambda: NOW_S)


def count(database: Database, table: str, where: str = "1=1") -> int:
    with database.read() as connection:
        return int(connection.scalar(text(f"SELECT count(*) FROM {table} WHERE {where}")) or 0)


@pytest.fixture
def heard(any_database: Database) -> Heard:
    """Three windows of two nodes, of which two were answered."""
    made = Heard(any_database)
    made.node("attic")
    made.node("barn")
    for node in ("attic", "attic", "barn"):
        made.window(node)
    made.cards()
    review = ReviewService(any_database)
    for window_id in (1, 3):
        review.answer(window_id, "Ada", "label", label_id=1)
    return made


def test_a_window_goes_with_all_that_was_said_of_it(heard: Heard, tmp_path: Path) -> None:
    deletion = service(heard.database, tmp_path)
    plan = deletion.plan_window(1)
    assert (plan.node, plan.counts.windows, plan.counts.answers) == ("attic", 1, 1)
    done = deletion.delete_window(1, "Ada")
    assert (done.who, done.counts, done.done_s, done.window_id) == ("Ada", plan.counts, NOW_S, 1)
    for table in ("windows", "cards", "reviews"):
        key = "id" if table == "windows" else "window_id"
        assert count(heard.database, table, f"{key} = 1") == 0
    assert count(heard.database, "windows") == 2
    assert deletion.newest() == [done]
    with pytest.raises(UnknownWindowError, match="not any more"):
        deletion.delete_window(1, "Ada")
    heard.cards()
    assert count(heard.database, "cards") == 2


def test_whoever_deletes_is_named(heard: Heard, tmp_path: Path) -> None:
    with pytest.raises(DeletionError, match="recorded"):
        service(heard.database, tmp_path).delete_window(1, " ")
    assert count(heard.database, "windows") == 3


@pytest.fixture
def busy(any_database: Database, monkeypatch: pytest.MonkeyPatch) -> Database:
    """A node that has sent everything, twice: an hour ago and now; and another one."""
    monkeypatch.setattr(services, "SLICE", 2)
    ingest = IngestService(any_database, NAMESPACE, now=lambda: NOW_S)
    for boot, node, ago_s in (("a1" * 8, "attic", 3600), ("a1" * 8, "attic", 0), (LATER_BOOT, "attics", 0)):
        first = 10 if ago_s else 20
        then = {"boot": boot, "wall_s": NOW_S - ago_s}
        window = then | {"start_s": NOW_S - ago_s - 2}
        times = {"start_s": NOW_S - ago_s - 1, "end_s": NOW_S - ago_s}
        ingest.store(
            [
                *(incoming(detection(first + at, **then | times), node) for at in range(3)),
                *(incoming(features(first + 3 + at, **window), node) for at in range(3)),
                incoming(heartbeat(**then), node),
                incoming(gap(first + 7, gap_boot=boot, **then), node),
                raw("detection", b"what is this", node),
            ]
        )
    return any_database


def test_a_nodes_data_goes_up_to_a_time_and_then_all_of_it(busy: Database, tmp_path: Path) -> None:
    deletion = service(busy, tmp_path)
    plan = deletion.plan_node("attic", NOW_S - 60)
    assert plan.counts.to_plain() == {
        "detections": 3, "windows": 3, "answers": 0, "level_s": 2, "quarantined": 0, "reports": 0
    }  # fmt: skip
    assert deletion.delete_node_data("attic", "Ada", NOW_S - 60).counts == plan.counts
    assert deletion.plan_node("attic", NOW_S - 60).counts.nothing
    whole = deletion.plan_node("attic")
    assert whole.counts.quarantined == 2
    assert deletion.delete_node_data("attic", "Ada").counts == whole.counts
    assert count(busy, "detections") == count(busy, "windows") == 3, "those of the other node"
    assert count(busy, "quarantine") == count(busy, "levels") == 1
    with pytest.raises(UnknownNodeError):
        deletion.delete_node_data("cellar", "Ada")


def test_what_comes_again_is_not_stored_again(busy: Database, tmp_path: Path) -> None:
    service(busy, tmp_path).delete_node_data("attic", "Ada")
    again = incoming(detection(20, boot="a1" * 8), "attic")
    assert IngestService(busy, NAMESPACE, now=lambda: NOW_S).store([again]).duplicates == 1
    assert StatisticsService(busy).summary().nodes == 2, "the node itself stays"


def test_a_deletion_that_was_cut_off_is_done_later(busy: Database, tmp_path: Path) -> None:
    deletion = service(busy, tmp_path)
    number = deletion._begin("node", "attic", "Ada")
    deletion._slice(number)
    assert [one.done_s for one in deletion.newest()] == [None]
    assert not deletion.step(), "whoever began it may still be at it"
    assert count(busy, "windows") == 7
    later = DeletionService(busy, purge(busy, tmp_path), now=lambda: NOW_S + services.ABANDONED_S + 1)
    later.step()
    assert count(busy, "windows") == 3
    [done] = later.newest()
    assert (done.counts.windows, done.counts.detections, done.who) == (6, 6, "Ada")


def test_sqlite_keeps_no_bytes_of_what_was_deleted(database: Database, tmp_path: Path) -> None:
    ingest = IngestService(database, NAMESPACE, now=lambda: NOW_S)
    ingest.store([incoming(features(2, frames=SECRET))])
    files = [tmp_path / "store.db", tmp_path / "store.db-wal"]
    assert any(SECRET[:400] in path.read_bytes() for path in files)
    service(database, tmp_path).delete_window(1, "Ada")
    assert not any(SECRET[:400] in path.read_bytes() for path in files if path.exists())


@pytest.fixture
def workshop(tmp_path: Path) -> Iterator[Workshop]:
    """Twelve windows, all reviewed."""
    made = Workshop(tmp_path)
    yield made
    made.close()


def frozen(workshop: Workshop) -> tuple[SnapshotService, SnapshotView]:
    snapshots = SnapshotService(workshop.database, workshop.dataset, workshop.settings.folder / "snapshots")
    base = Base(
        name="starter.base", digest="ab" * 32, frontend_digest=workshop.frontend_digest,
        labels=workshop.starter.manifest.labels,
    )  # fmt: skip
    return snapshots, snapshots.freeze(base)


def held(snapshots: SnapshotService, snapshot_id: int) -> dict[str, Any]:
    folder = snapshots.path(snapshot_id)
    with np.load(folder / "windows.npz", allow_pickle=False) as arrays:
        content = {name: arrays[name] for name in sorted(arrays.files)}
    digest = hashlib.sha256(b"".join(array.tobytes() for array in content.values())).hexdigest()
    told = json.loads((folder / "snapshot.json").read_bytes())
    assert (told["digest"], told["windows"]) == (digest, len(content["label"]))
    return content | {"digest": digest}


def test_deletion_reaches_the_snapshots(workshop: Workshop) -> None:
    snapshots, made = frozen(workshop)
    before = held(snapshots, made.id)
    deletion = bootstrap.deletion(workshop.settings, workshop.database)
    assert deletion.plan_window(5).snapshots == (made.id,)
    deletion.delete_window(5, "Ada")
    after = held(snapshots, made.id)
    assert after["window_id"].tolist() == [one for one in range(1, 13) if one != 5]
    keeps = before["window_id"] != 5
    for name in ("label", "split", "peak_step"):
        assert (after[name] == before[name][keeps]).all()
    assert (after["frames"] == before["frames"].reshape(12, 20, 80)[keeps].reshape(-1, 80)).all()
    now = snapshots.find(made.id)
    assert now is not None
    assert (now.digest, now.windows) == (after["digest"], 11)
    [note] = now.deletions
    assert (note.windows, note.digest_before) == (1, made.digest)
    assert not list(snapshots.path(made.id).parent.glob(".draft*"))
    deletion.delete_node_data("attic", "Ada")
    assert held(snapshots, made.id)["frames"].shape == (0, 80)


def test_a_training_that_learns_from_it_is_cancelled(workshop: Workshop) -> None:
    _, made = frozen(workshop)
    asked = workshop.trainings.ask("mia")
    workshop.trainings.begin(asked.id)
    workshop.trainings.move(asked.id, "learning", snapshot_id=made.id)
    bootstrap.deletion(workshop.settings, workshop.database).delete_window(5, "Ada")
    assert workshop.trainings.get(asked.id).cancelled_by == "deletion of windows"


def test_a_release_keeps_a_note(workshop: Workshop) -> None:
    workshop.trainings.ask("mia")
    workshop.work()
    deletion = bootstrap.deletion(workshop.settings, workshop.database)
    assert deletion.plan_window(5).releases == (2,)
    deletion.delete_window(5, "Ada")
    release = workshop.releases.detail(2).view
    assert release.snapshot_id is not None
    snapshot = bootstrap.services(workshop.settings, workshop.database).snapshots.find(release.snapshot_id)
    assert snapshot is not None
    assert [one.windows for one in snapshot.deletions] == [1]


class _FullFile:
    """A file on a disk with no room left."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)

    def __enter__(self) -> "_FullFile":
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def write(self, _content: bytes) -> int:
        raise OSError(28, "No space left on device")


def test_a_full_disk_leaves_the_snapshot_whole_and_the_rest_for_later(workshop: Workshop) -> None:
    snapshots, made = frozen(workshop)
    folder = workshop.settings.folder / "snapshots"
    full = purge(workshop.database, folder, open_file=lambda path: _FullFile(durable_files.open_new(path)))
    deletion = DeletionService(workshop.database, full)
    with pytest.raises(SnapshotError, match="the disk is full"):
        deletion.delete_window(5, "Ada")
    assert held(snapshots, made.id)["digest"] == made.digest
    assert deletion.newest()[0].done_s is None
    assert purge(workshop.database, folder).run() == 1
    assert 5 not in held(snapshots, made.id)["window_id"]


def test_a_purge_that_was_cut_off_after_the_files_is_done_again(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    snapshots, made = frozen(workshop)
    folder = workshop.settings.folder / "snapshots"
    with workshop.database.write() as connection:
        connection.execute(text("DELETE FROM windows WHERE id IN (2, 3)"))

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("aggregator.store.snapshots.take_out", killed)
        with pytest.raises(KeyboardInterrupt):
            purge(workshop.database, folder).run()
    assert len(held(snapshots, made.id)["label"]) == 10, "the file is clean already"
    assert purge(workshop.database, folder).run() == 1
    now = snapshots.find(made.id)
    assert now is not None
    assert (now.windows, now.digest) == (10, held(snapshots, made.id)["digest"])
    assert purge(workshop.database, folder).run() == 0


def test_a_snapshot_that_lies_elsewhere_waits(workshop: Workshop, tmp_path: Path) -> None:
    frozen(workshop)
    with pytest.raises(SnapshotError, match="where its folder is"):
        service(workshop.database, tmp_path / "elsewhere").delete_window(5, "Ada")
    assert bootstrap.deletion(workshop.settings, workshop.database).plan_window(6).snapshots == (1,)


def test_what_is_deleted_while_it_is_frozen_is_not_in_the_snapshot(workshop: Workshop) -> None:
    snapshots = SnapshotService(workshop.database, workshop.dataset, workshop.settings.folder / "snapshots")
    base = Base(name="b", digest="ab" * 32, frontend_digest=workshop.frontend_digest,
                labels=workshop.starter.manifest.labels)  # fmt: skip
    told: list[int] = []

    def delete(done: int, total: int) -> None:
        if not told and done == total:  # all is written, but not entered yet
            bootstrap.deletion(workshop.settings, workshop.database).delete_window(5, "Ada")
        told.append(done)

    made = snapshots.freeze(base, delete)
    assert 5 not in held(snapshots, made.id)["window_id"]
    assert made.windows == 11
