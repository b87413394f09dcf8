"""The tables of drift: levels by hour, what was found of each node, and alerts."""

from sqlalchemy import Column, Float, ForeignKey, Index, Integer, String, Table, Text

from aggregator.store.deletion_tables import metadata
from aggregator.store.tables import _ID, _node, _table

__all__ = ["drift_alerts", "drift_summaries", "level_hours", "metadata"]

level_hours = Table(
    "level_hours",
    metadata,
    Column("node_id", _ID, ForeignKey("nodes.id"), primary_key=True, autoincrement=False),
    Column("start_s", Float, primary_key=True, autoincrement=False),
    Column("seconds", Integer, nullable=False),
    Column("low_dbfs", Float, nullable=False),
    Column("middle_dbfs", Float, nullable=False),
    Column("high_dbfs", Float, nullable=False),
    sqlite_with_rowid=False,
)

drift_summaries = Table(
    "drift_summaries",
    metadata,
    Column("node_id", _ID, ForeignKey("nodes.id"), primary_key=True, autoincrement=False),
    Column("made_s", Float, nullable=False),
    Column("content", Text, nullable=False),  # JSON, see services.drift_views
)

drift_alerts = _table(
    "drift_alerts",
    _node(),
    Column("kind", String(10), nullable=False),  # see domain.drift_alerts
    Column("label", String(60), nullable=False),  # of a flood; else empty
    Column("sentence", Text, nullable=False),  # as it was when the rule held last
    Column("begun_s", Float, nullable=False),
    Column("held_s", Float, nullable=False),
    Column("ended_s", Float),
    Index(None, "node_id", "begun_s"),
    Index(None, "ended_s"),
)
