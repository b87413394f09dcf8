"""The table of who did what: each row vouches for the one before it."""

from sqlalchemy import Column, Float, String, Text

from aggregator.store.drift_tables import metadata
from aggregator.store.tables import _table

__all__ = ["audit", "metadata"]

audit = _table(
    "audit",
    Column("at_s", Float, nullable=False),
    Column("who", String(100), nullable=False),
    Column("action", String(60), nullable=False),
    Column("details", Text, nullable=False),  # JSON
    # Nothing can follow an entry twice: two that write at once cannot both become its successor.
    Column("previous", String(64), nullable=False, unique=True),
    Column("hash", String(64), nullable=False),
)
