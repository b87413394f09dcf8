"""Bundles and a repository for the tests of updates."""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from edge_agent.update.store import ModelStore
from tests.edge_agent.test_bundles import changed
from tests.edge_agent.update.signing import Repository


@pytest.fixture
def repository() -> Repository:
    return Repository()


@pytest.fixture(scope="session")
def newer(keywords: Path, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A bundle as good as the shipped one, of a later version."""
    path = tmp_path_factory.mktemp("bundles") / "newer.bundle"
    return changed(keywords, path, {"version": "9.0.0"}, {}).read_bytes()


@pytest.fixture
def shipped(tmp_path: Path) -> Path:
    """What came with the agent, where nobody looks into it."""
    path = tmp_path / "shipped.bundle"
    path.write_bytes(b"shipped")
    return path


@pytest.fixture
def store(tmp_path: Path, shipped: Path) -> ModelStore:
    return ModelStore(tmp_path / "models", shipped)


@pytest.fixture
def swift(tmp_path: Path) -> Iterator[Path]:
    """A folder in memory, where syncing costs nothing: for tests that do so thousands of times."""
    memory = Path("/dev/shm")
    if not os.access(memory, os.W_OK):
        yield tmp_path
        return
    with tempfile.TemporaryDirectory(dir=memory) as folder:
        yield Path(folder)
