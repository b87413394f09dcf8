"""The database: SQLite (WAL, every commit synced) or PostgreSQL, through one door."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import (
    ArgumentError,
    DataError,
    DBAPIError,
    IntegrityError,
    NoSuchModuleError,
    ProgrammingError,
    SQLAlchemyError,
    StatementError,
)
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from aggregator.errors import ContentRefusedError, SettingsError, StoreError

BUSY_TIMEOUT_S: Final = 10.0
_PRAGMAS: Final = (
    "journal_mode=WAL",
    "synchronous=FULL",
    "foreign_keys=ON",
    # What is deleted is overwritten with zeros, not only marked as free.
    "secure_delete=ON",
    "journal_size_limit=67108864",
)
_WRITING: Final = "soundpost_writing"
_ABOUT_CONTENT: Final = (DataError, IntegrityError, ProgrammingError)


class Database:
    """Opens transactions; every failure is a ``StoreError``. Safe for use by many threads."""

    def __init__(self, url: str) -> None:
        """``url`` as SQLAlchemy has it; ``SettingsError`` if it is none of ours. Connects on first use."""
        try:
            parsed = make_url(url)
            if parsed.get_backend_name() not in ("sqlite", "postgresql"):
                raise SettingsError("store.url: must begin with sqlite:/// or postgresql://")
            if parsed.drivername == "postgresql":
                parsed = parsed.set(drivername="postgresql+psycopg")
            sqlite = parsed.get_backend_name() == "sqlite"
            self._engine = _sqlite(parsed) if sqlite else _postgresql(parsed)
        except (ArgumentError, NoSuchModuleError, ImportError) as error:
            raise SettingsError(f"store.url: {error}") from error
        self.name = parsed.render_as_string(hide_password=True)

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A transaction that only reads: it sees one moment of the database."""
        with _wrapped(), self._engine.connect() as connection, connection.begin():
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """A transaction that is committed when the block ends, and undone when it raises."""
        with _wrapped(), self._engine.connect() as connection:
            writing = connection.execution_options(**{_WRITING: True})
            with writing.begin():
                yield writing

    def scrub(self) -> None:
        """Let what was deleted vanish from SQLite's write-ahead log, too, unless somebody reads just now."""
        if self._engine.dialect.name != "sqlite":
            return
        with _wrapped():
            raw = self._engine.raw_connection()
            try:
                raw.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)")
            finally:
                raw.close()

    def close(self) -> None:
        """Close every connection."""
        self._engine.dispose()


@contextmanager
def _wrapped() -> Iterator[None]:
    try:
        yield
    except _ABOUT_CONTENT as error:
        raise ContentRefusedError(_sentence(error)) from error
    except (DBAPIError, PoolTimeoutError) as error:
        raise StoreError(_sentence(error)) from error
    except SQLAlchemyError as error:
        raise ContentRefusedError(_sentence(error)) from error


def _sentence(error: SQLAlchemyError) -> str:
    cause = error.orig if isinstance(error, StatementError) and error.orig is not None else error
    return " ".join(str(cause).split())[:300]


def _postgresql(url: URL) -> Engine:
    engine = create_engine(url, pool_pre_ping=True, pool_size=20, max_overflow=60)
    # Many rows in one statement; without it the driver sends them one by one.
    engine.dialect.use_insertmanyvalues_wo_returning = True
    return engine


def _sqlite(url: URL) -> Engine:
    engine = create_engine(url, pool_size=20, max_overflow=60, connect_args={"timeout": BUSY_TIMEOUT_S})

    @event.listens_for(engine, "connect")
    def _prepare(connection: Any, _record: Any) -> None:
        # The driver must not begin transactions on its own: _begin does.
        connection.isolation_level = None
        for pragma in _PRAGMAS:
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        # A transaction that reads first and writes later could find itself outrun; a writer asks at once.
        writing = connection.get_execution_options().get(_WRITING, False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")

    return engine
