"""A store to write to, on every database there is, and services over it."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest
from sqlalchemy import text

from aggregator import bootstrap
from aggregator.services.catalogue import Services
from aggregator.services.ingest import IngestService
from aggregator.settings import Settings, Store
from aggregator.store import schema
from aggregator.store.database import Database
from tests.aggregator import messages, postgres

# How long an example takes says more about the machine than about the code.
hypothesis.settings.register_profile("aggregator", deadline=None)
hypothesis.settings.load_profile("aggregator")


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    # Not below pytest's folder: that one is closed to other users, and the server runs as one.
    with tempfile.TemporaryDirectory(prefix="soundpost-postgres-") as folder, \
            postgres.running(Path(folder)) as url:  # fmt: skip
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def any_database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """An empty store: each test that asks for it runs on every database."""
    if request.param == "sqlite":
        made = Database(f"sqlite:///{tmp_path / 'store.db'}")
    else:
        made = Database(request.getfixturevalue("postgres_url"))
        with made.write() as connection:
            connection.execute(text("DROP SCHEMA public CASCADE"))
            connection.execute(text("CREATE SCHEMA public"))
    schema.migrate(made)
    yield made
    made.close()


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    """An empty store on SQLite."""
    made = Database(f"sqlite:///{tmp_path / 'store.db'}")
    schema.migrate(made)
    yield made
    made.close()


@pytest.fixture
def ingest(database: Database) -> IngestService:
    """What writes to ``database``."""
    return IngestService(database, messages.NAMESPACE, now=lambda: messages.NOW_S)


@pytest.fixture
def cheap_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keys whose passphrases are guessed in no time, as a test opens many."""
    from aggregator.trust import keys

    monkeypatch.setattr(keys, "COST", 2)


@pytest.fixture
def services(database: Database, tmp_path: Path) -> Iterator[Services]:
    """Everything the dashboard is given, over ``database``."""
    made = bootstrap.services(Settings(store=Store(folder=str(tmp_path))), database)
    yield made
    made.live.close()
