"""The registry: nothing is overwritten, and who decided what is kept."""

import threading
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from aggregator.domain.figures import read_figures
from aggregator.domain.gate_limits import Limits
from aggregator.domain.releases import judge
from aggregator.errors import ReleaseError, UnknownReleaseError
from aggregator.services import release_files
from aggregator.services.release_views import ReleaseView
from aggregator.services.releases import ReleaseService
from aggregator.store import snapshots, trainings
from aggregator.store.database import Database
from contract.bundle import read_bundle
from tests.aggregator import judged
from tests.aggregator.fake_factory import another_version
from tests.aggregator.learning import STARTER

CLIPS = judged.answers("yes", 90, 10)


class Registry:
    """A registry with a starter and as many candidates as a test wants."""

    def __init__(self, database: Database, folder: Path) -> None:
        self.database = database
        self.folder = folder
        self.service = ReleaseService(database, folder / "releases", now=lambda: 1000.0)
        self.starter = self.service.adopt(STARTER)

    def snapshot(self) -> int:
        with self.database.write() as connection:
            return snapshots.add(
                connection,
                {
                    "digest": "d" * 64, "frontend_digest": "f" * 64, "base": "b", "base_digest": "b" * 64,
                    "labels": "[]", "left_out": "{}", "windows": 1, "size_bytes": 1, "made_s": 1.0,
                },
            )  # fmt: skip

    def training(self) -> int:
        with self.database.write() as connection:
            return trainings.add(
                connection,
                {"state": "finished", "trigger": "person", "who": "mia", "asked_s": 1.0, "attempts": 1},
            )

    def candidate(self, version: str, *, snapshot_id: int | None = None, **figures: Any) -> ReleaseView:
        """Register a candidate that was judged with ``figures``."""
        path = self.folder / f"{version}.bundle"
        path.write_bytes(another_version(STARTER, version))
        snapshot_id = snapshot_id or self.snapshot()
        before = judged.plain(clips=CLIPS)
        after = judged.plain(**({"clips": CLIPS} | figures))
        made = self.service.register(
            path,
            parent=self.starter,
            snapshot_id=snapshot_id,
            training_id=self.training(),
            verdict=judge(read_figures(after), read_figures(before), Limits()),
        )
        self.service.record(made.id, snapshot_id, after)
        self.service.record(self.starter.id, snapshot_id, before)
        return made


@pytest.fixture
def registry(any_database: Database, tmp_path: Path) -> Registry:
    return Registry(any_database, tmp_path)


def test_the_starter_is_adopted_once(registry: Registry) -> None:
    again = registry.service.adopt(STARTER)
    assert again == registry.starter == registry.service.in_service()
    assert (again.state, again.decided_by, again.parent_id) == ("accepted", "settings", None)
    assert registry.service.detail(again.id).verdict is None


def test_the_release_accepted_last_is_in_service(registry: Registry) -> None:
    first, second = registry.candidate("1.0.0"), registry.candidate("2.0.0")
    assert registry.service.in_service() == registry.starter
    registry.service.decide(second.id, "accept", who="mia")
    registry.service.decide(first.id, "accept", who="noa")
    assert _served(registry) == first.id
    registry.service.decide(first.id, "refuse", who="noa", reason="it barks")
    assert _served(registry) == second.id
    registry.service.decide(second.id, "refuse", who="noa", reason="so does this")
    assert _served(registry) == registry.starter.id
    made = registry.service.detail(first.id).decisions
    assert [(one.decision, one.who, one.reason) for one in made] == [
        ("accept", "noa", ""), ("refuse", "noa", "it barks"),
    ]  # fmt: skip


def _served(registry: Registry) -> int | None:
    served = registry.service.in_service()
    return served.id if served else None


def test_two_decisions_at_once_are_one(registry: Registry) -> None:
    candidate = registry.candidate("1.0.0")
    start, refused = threading.Barrier(6), []

    def accept(number: int) -> None:
        start.wait()
        try:
            registry.service.decide(candidate.id, "accept", who=f"reader {number}")
        except ReleaseError as error:
            refused.append(str(error))

    threads = [threading.Thread(target=accept, args=[number]) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert refused == ["this release is accepted already"] * 5
    assert len(registry.service.detail(candidate.id).decisions) == 1


def test_nothing_is_overwritten(registry: Registry) -> None:
    snapshot_id = registry.snapshot()
    first = registry.candidate("1.0.0", snapshot_id=snapshot_id)
    path = registry.service.bundle_path(first.digest)
    before = (path.stat().st_ino, path.read_bytes())
    again = registry.candidate("1.0.0", snapshot_id=snapshot_id, alarms=90)
    assert again == first
    assert (path.stat().st_ino, path.read_bytes()) == before
    detail = registry.service.detail(first.id)
    assert detail.verdict is not None
    assert detail.verdict.passed
    assert detail.candidate is not None
    assert detail.candidate.streams.count == 3
    assert [one.name for one in (registry.folder / "releases").iterdir() if one.name.startswith(".")] == []


def test_any_two_are_compared(registry: Registry) -> None:
    good, bad = registry.candidate("1.0.0"), registry.candidate("2.0.0", alarms=90)
    assert (good.state, bad.state) == ("waiting", "refused")
    apart = registry.service.compare(bad.id, good.id)
    assert not apart.same_snapshot
    assert "rose from 0.3 to 9" in " ".join(apart.verdict.reasons)
    together = registry.service.compare(bad.id, registry.starter.id)
    assert together.same_snapshot
    assert registry.service.compare(good.id, bad.id).verdict.passed
    lineage = registry.service.detail(registry.starter.id)
    assert {one.id for one in lineage.children} == {good.id, bad.id}


def test_what_is_not_there_cannot_be_compared_or_decided_on(registry: Registry) -> None:
    candidate = registry.candidate("1.0.0")
    with pytest.raises(UnknownReleaseError, match="no release 99"):
        registry.service.compare(candidate.id, 99)
    with pytest.raises(UnknownReleaseError):
        registry.service.decide(99, "accept", who="mia")
    with registry.database.write() as connection:
        connection.execute(text("DELETE FROM judgements"))
    with pytest.raises(ReleaseError, match="was never judged"):
        registry.service.compare(candidate.id, registry.starter.id)


def test_a_file_that_is_no_bundle_is_not_released(tmp_path: Path) -> None:
    junk = tmp_path / "junk.bundle"
    junk.write_bytes(STARTER.read_bytes()[:-1])
    with pytest.raises(ReleaseError, match="not a bundle"):
        release_files.keep(tmp_path / "releases", junk)
    with pytest.raises(ReleaseError, match="not a bundle"):
        release_files.keep(tmp_path / "releases", tmp_path / "nowhere")
    assert not list(tmp_path.glob("releases/*"))


def test_a_full_disk_keeps_no_half_bundle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_file: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(release_files, "sync", full)
    with pytest.raises(ReleaseError, match="the disk is full"):
        release_files.keep(tmp_path / "releases", STARTER)
    assert list((tmp_path / "releases").iterdir()) == []
    monkeypatch.undo()
    kept = release_files.keep(tmp_path / "releases", STARTER)
    assert read_bundle(release_files.path_of(tmp_path / "releases", kept.digest)).digest == kept.digest
