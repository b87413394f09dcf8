"""The version of the database, and its migration."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError

from aggregator.errors import StoreError
from aggregator.store.database import Database

_MIGRATIONS: Final = Path(__file__).parent / "migrations"


@dataclass(frozen=True, slots=True, kw_only=True)
class SchemaState:
    """Which version the database has, and which this program needs."""

    found: str | None
    needed: str

    @property
    def current(self) -> bool:
        """Whether nothing has to be done."""
        return self.found == self.needed


def inspect(database: Database) -> SchemaState:
    """The state of the database; ``StoreError`` if a newer program has written it."""
    scripts = ScriptDirectory.from_config(_config())
    needed = scripts.get_current_head() or ""
    with database.read() as connection:
        found = MigrationContext.configure(connection).get_current_revision()
    if found is not None and found not in {step.revision for step in scripts.walk_revisions()}:
        raise StoreError(
            f"the database has version {found}, which this program does not know: "
            "it was written by a newer one; update this program"
        )
    return SchemaState(found=found, needed=needed)


def require_current(database: Database) -> None:
    """``StoreError`` if the database has to be migrated first."""
    state = inspect(database)
    if not state.current:
        raise StoreError(
            f"the database has version {state.found or 'none'}, this program needs {state.needed}: "
            "run `aggregator migrate`"
        )


def migrate(database: Database) -> SchemaState:
    """Bring the database to the needed version, whole or not at all; the state it had before."""
    before = inspect(database)
    if before.current:
        return before
    config = _config()
    try:
        with database.write() as connection:
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
    except CommandError as error:
        raise StoreError(str(error)) from error
    return before


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    return config
