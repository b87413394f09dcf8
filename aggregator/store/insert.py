"""Inserting in bulk, each row at most once, on either database."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Table, select
from sqlalchemy.dialects import postgresql, sqlite

Rows = Sequence[Mapping[str, Any]]


def unless_there(connection: Connection, table: Table) -> Any:
    """An insert that passes over rows whose key is taken."""
    dialect: Any = sqlite if connection.dialect.name == "sqlite" else postgresql
    return dialect.insert(table).on_conflict_do_nothing()


def insert_all(connection: Connection, table: Table, rows: Rows) -> None:
    """Insert ``rows``, of which none is there."""
    if rows:
        connection.execute(table.insert(), rows)


def find_or_add(connection: Connection, table: Table, key: Mapping[str, Any], rest: Mapping[str, Any]) -> Any:
    """The row of ``key``; made with ``rest`` if there was none."""
    wanted = select(table).filter_by(**key)
    found = connection.execute(wanted).one_or_none()
    if found is None:
        connection.execute(unless_there(connection, table).values(**key, **rest))
        found = connection.execute(wanted).one()
    return found


def replacing(connection: Connection, table: Table) -> Any:
    """An insert of whole rows that overwrites the row whose primary key is taken."""
    dialect: Any = sqlite if connection.dialect.name == "sqlite" else postgresql
    statement = dialect.insert(table)
    key = [column.name for column in table.primary_key]
    rest = {column.name: statement.excluded[column.name] for column in table.c if column.name not in key}
    return statement.on_conflict_do_update(index_elements=key, set_=rest)
