"""Numbers that outlive the rows they come from."""

from sqlalchemy import Connection, select

from aggregator.store.insert import replacing
from aggregator.store.tables import counters


def read_counter(connection: Connection, name: str) -> int:
    """The number of that name; 0 if it was never set."""
    return int(connection.scalar(select(counters.c.value).where(counters.c.name == name)) or 0)


def set_counter(connection: Connection, name: str, value: int) -> None:
    """Set it."""
    connection.execute(replacing(connection, counters), [{"name": name, "value": value}])
