"""A kill or a power cut after every single step on the disk: the old model or the new, never none."""

import hashlib
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from edge_agent.update.files import Files
from edge_agent.update.outcomes import Ready
from edge_agent.update.store import ModelStore
from tests.edge_agent.update.disk import BROKEN, FULL, Disk, Recording, Refusing, lay_out
from tests.edge_agent.update.signing import Repository
from tests.edge_agent.update.world import GO_ON, Shelf, desired, installer, until_settled

OLD, NEW = b"old model " * 70, b"new model, somewhat longer " * 50
TARGETS = {OLD: "m-1.bundle", NEW: "m-2.bundle"}
DIGEST = {content: hashlib.sha256(content).hexdigest() for content in (OLD, NEW, b"shipped")}


def make_store(folder: Path, files: Files | None = None) -> ModelStore:
    folder.mkdir(exist_ok=True)
    (folder / "shipped.bundle").write_bytes(b"shipped")
    return ModelStore(folder / "models", folder / "shipped.bundle", files=files)


def install(
    folder: Path, repository: Repository, store: ModelStore, content: bytes, files: Files | None = None
) -> None:
    """Everything from the offer to the staged and tested bundle."""
    shelf = Shelf(repository.files, chunk_bytes=len(content) // 3)
    one = installer(folder, repository, store, source=shelf, files=files)
    outcome = until_settled(one, desired(DIGEST[content], TARGETS[content]))
    assert isinstance(outcome, Ready), outcome


def take(
    folder: Path, repository: Repository, store: ModelStore, content: bytes, files: Files | None = None
) -> None:
    """All of it: installed, on probation through one restart, confirmed."""
    install(folder, repository, store, content, files)
    store.begin_probation(DIGEST[content])
    store.boot()
    store.confirm(DIGEST[content])


def roll_back(folder: Path, repository: Repository, store: ModelStore, content: bytes, files: Files) -> None:
    """All of it, with a bad end."""
    install(folder, repository, store, content, files)
    store.begin_probation(DIGEST[content])
    store.roll_back(DIGEST[content], "deaf")
    store.told()


def crash(folder: Path, repository: Repository, store: ModelStore, content: bytes, files: Files) -> None:
    """It crashes until it is rolled back at boot."""
    install(folder, repository, store, content, files)
    store.begin_probation(DIGEST[content])
    for _ in range(3):
        store.boot()


@pytest.fixture
def releases(repository: Repository) -> Repository:
    for content, name in TARGETS.items():
        repository.add(content, name)
    return repository


@pytest.mark.parametrize("story", [take, roll_back, crash])
@pytest.mark.parametrize("before", [b"shipped", OLD])
def test_after_every_step_the_node_starts_the_old_or_the_new_model(
    swift: Path, releases: Repository, story: Callable[..., None], before: bytes
) -> None:
    folder = swift / "node"
    store = make_store(folder)
    if before == OLD:
        take(folder, releases, store, OLD)
    disk, files = Disk.of(folder), Recording()
    shutil.copytree(folder, swift / "start")
    story(folder, releases, make_store(folder, files), NEW, files)
    assert len(files.steps) > 30
    seen = set()
    for number in range(len(files.steps) + 1):
        if number:
            disk.apply(files.steps[number - 1])
        for name, state in disk.states():
            again = swift / "again"
            shutil.rmtree(again, ignore_errors=True)
            lay_out(state, folder, again)
            seen.add(
                assert_starts(again, releases, before, f"{name} after {number}: {files.steps[number - 1]}")
            )
    assert seen >= {DIGEST[before], DIGEST[NEW]}


def assert_starts(folder: Path, releases: Repository, before: bytes, when: str) -> str:
    """What starts is whole, and the update can be had in the end, or is remembered as failed."""
    store = make_store(folder)
    choice = store.boot()
    assert choice.digest in (DIGEST[before], DIGEST[NEW]), when
    assert hashlib.sha256(choice.path.read_bytes()).hexdigest() == choice.digest, when
    if choice.digest == DIGEST[NEW]:
        if choice.on_probation:
            store.confirm(DIGEST[NEW])
        assert store.boot().digest == DIGEST[NEW], when
    elif store.failed(DIGEST[NEW], 1) is None:
        take(folder, releases, store, NEW)
        assert store.boot().digest == DIGEST[NEW], when
    return choice.digest


@pytest.mark.parametrize("code", [FULL, BROKEN])
@pytest.mark.parametrize("for_good", [False, True])
def test_a_full_or_broken_disk_at_every_step(
    swift: Path, releases: Repository, code: int, for_good: bool
) -> None:
    """What runs keeps running, nothing is raised; once the disk is mended, the update is had."""
    start = swift / "start"
    take(start, releases, make_store(start), OLD)
    number, refused = 0, True
    while refused:
        number += 1
        folder = swift / "node"
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(start, folder, symlinks=True)
        files = Refusing(number, code, for_good=for_good)
        store = make_store(folder, files)
        outcome = installer(folder, releases, store, files=files).step(
            desired(DIGEST[NEW], TARGETS[NEW]), GO_ON
        )
        refused = files.count >= number
        if refused and not isinstance(outcome, Ready):
            assert type(outcome).__name__ == "Waiting", outcome
            assert "disk" in getattr(outcome, "reason", "") or not for_good
        assert store.boot().digest == DIGEST[OLD]
        assert_starts(folder, releases, OLD, f"refused {number}")
    assert number > 20


def test_a_pointer_that_cannot_be_written_starts_nothing_on_probation(
    swift: Path, releases: Repository
) -> None:
    take(swift, releases, make_store(swift), OLD)
    store = make_store(swift)
    install(swift, releases, store, NEW)
    store.begin_probation(DIGEST[NEW])
    broken = make_store(swift, Refusing(1, FULL, for_good=True))
    assert broken.boot().digest == DIGEST[OLD]
    assert make_store(swift).boot().digest == DIGEST[NEW]
