"""The row of the dashboard's password."""

from typing import Any, Final

from sqlalchemy import Connection, select, update

from aggregator.store.insert import unless_there
from aggregator.store.tables import accounts

_ONLY: Final = 1


def password(connection: Connection) -> Any | None:
    """Hash and version; None if no password was chosen."""
    return connection.execute(select(accounts).where(accounts.c.id == _ONLY)).one_or_none()


def choose(connection: Connection, password_hash: str, version: str) -> bool:
    """Store the first password; False if there is one."""
    row = {"id": _ONLY, "password_hash": password_hash, "version": version}
    entered = unless_there(connection, accounts).values(**row).returning(accounts.c.id)
    return connection.execute(entered).one_or_none() is not None


def change(connection: Connection, password_hash: str, version: str) -> None:
    """Store a password in place of whichever there is."""
    if not choose(connection, password_hash, version):
        connection.execute(update(accounts).values(password_hash=password_hash, version=version))
