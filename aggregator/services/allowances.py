"""What operators allow of a node: read, and changed on record."""

from typing import Any

from aggregator.errors import UnknownNodeError
from aggregator.services.audit import enter
from aggregator.store import allowances, fleet
from aggregator.store.database import Database


def allowance(database: Database, name: str, what: str) -> Any:
    """Whether a node is connected, its birth, and what is allowed; ``UnknownNodeError`` if never heard."""
    with database.read() as connection:
        row = allowances.of_node(connection, name, what)
    if row is None:
        raise UnknownNodeError(f"no node is called {name!r}")
    return row


def allow(database: Database, name: str, what: str, level: str, who: str, now_s: float) -> None:
    """Change what is allowed, and enter it in the audit log."""
    with database.write() as connection:
        node_id = fleet.node_id(connection, name)
        allowances.allow(connection, node_id, what, level, changed_s=now_s, changed_by=who)
        enter(connection, who, f"allow {what}", {"node": name, "level": level}, now_s)
