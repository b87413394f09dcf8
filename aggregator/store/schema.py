"""The version of the database, and its migration."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from sqlalchemy import inspect as look_at
from sqlalchemy import text

from aggregator.errors import StoreError
from aggregator.store import (  # noqa: F401 - migrations must know every table
    account_tables,
    allowances,
    enrolment_tables,
    review_tables,
    rollout_tables,
)
from aggregator.store.database import Database

if TYPE_CHECKING:
    from alembic.config import Config

VERSIONS: Final = tuple(f"{number:04}" for number in range(1, 12))
"""Every version in order; the last is the one that this program needs. One file of ``migrations`` each."""

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
    with database.read() as connection:
        found = None
        if look_at(connection).has_table("alembic_version"):
            found = connection.scalar(text("SELECT version_num FROM alembic_version"))
    if found is not None and found not in VERSIONS:
        raise StoreError(
            f"the database has version {found}, which this program does not know: "
            "it was written by a newer one; update this program"
        )
    return SchemaState(found=found, needed=VERSIONS[-1])


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
    from alembic import command  # slow to import, and seldom needed
    from alembic.util import CommandError

    settings = configuration()
    try:
        with database.write() as connection:
            settings.attributes["connection"] = connection
            command.upgrade(settings, "head")
    except CommandError as error:
        raise StoreError(str(error)) from error
    return before


def configuration() -> "Config":
    """Where alembic finds the steps."""
    from alembic.config import Config

    made = Config()
    made.set_main_option("script_location", str(_MIGRATIONS))
    return made
