"""Migrations: they make what the tables say, once, and refuse a future they do not know."""

from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import text

from aggregator.domain.roles import Role
from aggregator.errors import SettingsError, StoreError
from aggregator.store import schema
from aggregator.store.database import Database
from aggregator.store.release_tables import metadata
from tests.aggregator.accounts_world import CHEAP, Door
from tests.aggregator.messages import NAMESPACE, detection, incoming


def test_migrations_make_what_the_tables_say(any_database: Database) -> None:
    with any_database.read() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []


def test_the_program_knows_its_versions() -> None:
    steps = ScriptDirectory.from_config(schema.configuration()).walk_revisions()
    assert tuple(step.revision for step in steps)[::-1] == schema.VERSIONS


def test_migrating_again_changes_nothing(any_database: Database) -> None:
    before = schema.migrate(any_database)
    assert before.current
    schema.require_current(any_database)


def test_an_empty_database_has_to_be_migrated_first(tmp_path: str) -> None:
    empty = Database(f"sqlite:///{tmp_path}/empty.db")
    with pytest.raises(StoreError, match="aggregator migrate"):
        schema.require_current(empty)
    assert schema.migrate(empty).found is None
    schema.require_current(empty)
    empty.close()


def test_a_database_of_a_newer_program_is_left_alone(database: Database) -> None:
    with database.write() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(StoreError, match="newer"):
        schema.migrate(database)


def test_sqlite_syncs_every_commit(database: Database) -> None:
    with database.read() as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar_one() == "wal"
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar_one() == 2
        assert connection.exec_driver_sql("PRAGMA foreign_keys").scalar_one() == 1


@pytest.mark.parametrize("url", ["mysql://x/y", "nonsense", "oracle:///z"])
def test_a_database_that_is_none_of_ours_is_refused(url: str) -> None:
    with pytest.raises(SettingsError, match=r"store\.url"):
        Database(url)


def test_a_database_that_is_away_is_a_store_error() -> None:
    away = Database("postgresql://nobody@127.0.0.1:1/nothing")
    with pytest.raises(StoreError, match="refused"):
        schema.inspect(away)
    away.close()


def test_a_file_that_is_no_database_is_a_store_error(tmp_path: str) -> None:
    path = f"{tmp_path}/junk.db"
    with open(path, "w") as file:  # noqa: PTH123
        file.write("this is no database " * 100)
    with pytest.raises(StoreError, match="not a database"):
        schema.inspect(Database(f"sqlite:///{path}"))


def test_what_ingest_wrote_survives_a_second_migration(database: Database) -> None:
    from aggregator.services.ingest import IngestService

    IngestService(database, NAMESPACE).store([incoming(detection(1))])
    schema.migrate(database)
    with database.read() as connection:
        assert connection.execute(text("SELECT count(*) FROM detections")).scalar_one() == 1


def test_the_one_password_becomes_that_of_the_administrator(any_database: Database, tmp_path: Path) -> None:
    """From version 7 and back: whoever knew the password can still sign in."""
    hashed = CHEAP.hash("correct horse")
    with any_database.write() as connection:
        settings = schema.configuration()
        settings.attributes["connection"] = connection
        command.downgrade(settings, "0007")
        statement = text("INSERT INTO accounts (id, password_hash, version) VALUES (1, :hash, 'x')")
        connection.execute(statement, {"hash": hashed})
    schema.migrate(any_database)
    door = Door(any_database, tmp_path)
    assert door.accounts.sign_in("admin", "correct horse", "", "a")
    assert [(one.name, one.roles) for one in door.users.every()] == [("admin", (Role.ADMIN,))]
    with any_database.write() as connection:
        settings = schema.configuration()
        settings.attributes["connection"] = connection
        command.downgrade(settings, "0007")
        assert connection.execute(text("SELECT password_hash FROM accounts")).scalar_one() == hashed
