"""Fixtures for every test."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.broker import Mosquitto

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def models() -> Path:
    """The folder of the bundles that the project ships."""
    return ROOT / "models"


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real recordings; a test that asks for it is skipped where it is absent."""
    folder = Path(os.environ.get("SOUNDPOST_DATA", ROOT.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"needs the recordings of {folder.name}/, set SOUNDPOST_DATA to their folder")
    return folder


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Mosquitto]:
    """A running broker of the test's own."""
    folder = tmp_path / "broker"
    folder.mkdir()
    mosquitto = Mosquitto(folder)
    mosquitto.start()
    yield mosquitto
    mosquitto.stop()
