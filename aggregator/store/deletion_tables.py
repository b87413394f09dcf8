"""The tables that say what was deleted: who, when, how much; never what it was."""

from sqlalchemy import BigInteger, Column, Float, ForeignKey, Index, String, Text

from aggregator.store.release_tables import metadata
from aggregator.store.tables import _ID, _table

__all__ = ["deletions", "metadata", "snapshot_deletions"]

deletions = _table(
    "deletions",
    Column("scope", String(10), nullable=False),  # window or node
    Column("node", String(64), nullable=False),
    Column("window_id", BigInteger),
    Column("until_s", Float),  # of a node: what began before; NULL: all of it
    Column("who", String(64), nullable=False),
    Column("asked_s", Float, nullable=False),
    Column("done_s", Float),
    Column("counts", Text, nullable=False),  # JSON, see domain.deletions
)

# Each time that windows went from a snapshot. Its digest is another one then.
snapshot_deletions = _table(
    "snapshot_deletions",
    Column("snapshot_id", _ID, ForeignKey("snapshots.id"), nullable=False),
    Column("windows", BigInteger, nullable=False),
    Column("digest_before", String(64), nullable=False),
    Column("deleted_s", Float, nullable=False),
    Index(None, "snapshot_id"),
)
