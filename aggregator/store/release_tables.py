"""The tables of the learning loop's second half: snapshots, trainings, releases. Rows are added, not changed,
but for a training while it runs.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from aggregator.store.tables import _ID, _table, metadata

__all__ = [
    "judgements", "metadata", "release_decisions", "releases", "snapshot_windows", "snapshots", "trainings",
]  # fmt: skip

snapshots = _table(
    "snapshots",
    Column("digest", String(64), nullable=False),  # of the windows' arrays, see services.snapshot_files
    Column("frontend_digest", String(64), nullable=False),
    Column("base", Text, nullable=False),  # name of the base archive
    Column("base_digest", String(64), nullable=False),
    Column("labels", Text, nullable=False),  # JSON
    Column("left_out", Text, nullable=False),  # JSON: label → windows, too few to learn it
    Column("windows", BigInteger, nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    Column("made_s", Float, nullable=False),
)

# No foreign key: a window may be deleted, and what was frozen of it must then be found.
snapshot_windows = Table(
    "snapshot_windows",
    metadata,
    Column("snapshot_id", _ID, ForeignKey("snapshots.id"), primary_key=True, autoincrement=False),
    Column("window_id", BigInteger, primary_key=True, autoincrement=False),
    Column("label", String(60)),  # as it was called then; NULL: none of them
    Column("split", String(20), nullable=False),
    Index(None, "window_id"),
    sqlite_with_rowid=False,
)

trainings = _table(
    "trainings",
    Column("state", String(20), nullable=False),  # see domain.trainings
    Column("trigger", String(20), nullable=False),  # person, schedule
    Column("who", String(64), nullable=False),
    Column("asked_s", Float, nullable=False),
    Column("started_s", Float),
    Column("ended_s", Float),
    Column("cancel_asked_s", Float),
    Column("cancelled_by", String(64)),
    Column("attempts", Integer, nullable=False),
    Column("pid", BigInteger),  # of the child process, and when that started, by the kernel's count
    Column("pid_ticks", BigInteger),
    Column("progress", Text),  # JSON, see domain.training_progress
    Column("error", Text),
    Column("snapshot_id", _ID, ForeignKey("snapshots.id")),
    Column("release_id", BigInteger),  # releases point back with a foreign key
    Index(None, "state"),
)

releases = _table(
    "releases",
    Column("name", String(64), nullable=False),
    Column("version", String(40), nullable=False),
    Column("digest", String(64), nullable=False, unique=True),
    Column("frontend_digest", String(64), nullable=False),
    Column("recipe", String(100), nullable=False),
    Column("labels", Text, nullable=False),  # JSON
    Column("metrics", Text, nullable=False),  # JSON, as the manifest has them
    Column("size_bytes", BigInteger, nullable=False),
    Column("parent_id", _ID, ForeignKey("releases.id")),
    Column("snapshot_id", _ID, ForeignKey("snapshots.id")),
    Column("training_id", _ID, ForeignKey("trainings.id")),
    Column("passed", Boolean, nullable=False),  # the gate's word; true of what the settings name
    Column("verdict", Text),  # JSON; NULL of what the settings name
    Column("registered_s", Float, nullable=False),
)

# What was measured of a release, and on which snapshot: an incumbent is judged again with each candidate.
judgements = _table(
    "judgements",
    Column("release_id", _ID, ForeignKey("releases.id"), nullable=False),
    Column("snapshot_id", _ID, ForeignKey("snapshots.id"), nullable=False),
    Column("figures", Text, nullable=False),  # JSON, as the factory wrote them
    Column("judged_s", Float, nullable=False),
    UniqueConstraint("release_id", "snapshot_id"),
)

release_decisions = _table(
    "release_decisions",
    Column("release_id", _ID, ForeignKey("releases.id"), nullable=False),
    Column("decision", String(20), nullable=False),  # accept, refuse
    Column("who", String(64), nullable=False),
    Column("reason", Text, nullable=False),
    Column("over_refusal", Boolean, nullable=False),
    Column("decided_s", Float, nullable=False),
    Index(None, "release_id"),
)
