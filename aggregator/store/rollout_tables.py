"""The tables of updates: rollouts, what each node should run, and what nodes say of it."""

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
    text,
)

from aggregator.store.audit_tables import metadata
from aggregator.store.tables import _ID, _boot, _node, _table

__all__ = [
    "disagreements",
    "metadata",
    "ota_desired",
    "ota_pins",
    "rollout_nodes",
    "rollout_waves",
    "rollouts",
    "shadow_reports",
    "update_reports",
]

rollouts = _table(
    "rollouts",
    Column("name", String(120), nullable=False),
    Column("release", String(64), nullable=False),  # digest of the bundle
    Column("model", String(120), nullable=False),
    Column("plan", Text, nullable=False),  # JSON, see domain.rollouts.plan
    Column("state", String(12), nullable=False, index=True),
    Column("reason", Text, nullable=False),
    Column("automatic", Boolean, nullable=False),
    Column("wave", Integer, nullable=False),
    Column("who", String(100), nullable=False),
    Column("created_s", Float, nullable=False),
    Column("changed_s", Float, nullable=False),
    Column("revision", BigInteger, nullable=False),  # rises whenever somebody but the engine changes it
)

rollout_waves = Table(
    "rollout_waves",
    metadata,
    Column("rollout_id", _ID, ForeignKey("rollouts.id"), primary_key=True, autoincrement=False),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("began_s", Float),
    Column("ended_s", Float),
    Column("waived", Boolean, nullable=False),
    Column("forgiven", Integer, nullable=False),
)

_ASSIGNED = text("state = 'assigned'")

rollout_nodes = Table(
    "rollout_nodes",
    metadata,
    Column("rollout_id", _ID, ForeignKey("rollouts.id"), primary_key=True, autoincrement=False),
    Column("wave", Integer, primary_key=True, autoincrement=False),
    Column("node_id", _ID, ForeignKey("nodes.id"), primary_key=True, autoincrement=False),
    Column("state", String(12), nullable=False),
    Column("reason", Text, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("phase", String(20), nullable=False),
    Column("done_bytes", BigInteger, nullable=False),
    Column("total_bytes", BigInteger, nullable=False),
    Column("assigned_s", Float),
    Column("changed_s", Float),
    Column("running_s", Float),
    Column("before", String(64)),
    Column("before_target", String(200), nullable=False),
    Column("before_attempt", Integer, nullable=False),
    # A node is under way in one rollout at most: the database itself sees to it.
    Index(
        "uq_rollout_nodes_assigned",
        "node_id",
        unique=True,
        sqlite_where=_ASSIGNED,
        postgresql_where=_ASSIGNED,
    ),
    Index(None, "node_id"),
    Index(None, "rollout_id", "wave", "state"),  # pages count by it
)

ota_desired = Table(
    "ota_desired",
    metadata,
    Column("node_id", _ID, ForeignKey("nodes.id"), primary_key=True, autoincrement=False),
    Column("serial", BigInteger, nullable=False),
    Column("issued_s", Float, nullable=False),
    Column("release", String(64)),  # NULL: stay
    Column("target", String(200), nullable=False),
    Column("rollout", BigInteger),
    Column("attempt", Integer, nullable=False),
    Column("mode", String(10), nullable=False),
    Column("probation_s", Float, nullable=False),
    Column("shadow_s", Float, nullable=False),
    Column("shadow_cpu_percent", Float, nullable=False),
    Column("sent_s", Float),  # when it was handed to the broker; NULL while it waits
    Index(None, "sent_s"),
)

ota_pins = Table(
    "ota_pins",
    metadata,
    Column("node_id", _ID, ForeignKey("nodes.id"), primary_key=True, autoincrement=False),
    Column("release", String(64)),  # NULL: what it runs
    Column("model", String(120), nullable=False),
    Column("reason", Text, nullable=False),
    Column("who", String(100), nullable=False),
    Column("pinned_s", Float, nullable=False),
)

update_reports = _table(
    "update_reports",
    _node(),
    _boot(),
    Column("sequence", BigInteger, nullable=False),
    Column("release", String(64), nullable=False),
    Column("rollout", BigInteger),
    Column("attempt", Integer, nullable=False),
    Column("phase", String(20), nullable=False),
    Column("reason", Text, nullable=False),
    Column("model", String(120), nullable=False),
    Column("done_bytes", BigInteger, nullable=False),
    Column("total_bytes", BigInteger, nullable=False),
    Column("seconds", Float, nullable=False),
    Column("stored_s", Float, nullable=False),
    Index(None, "node_id", "id"),
)

shadow_reports = _table(
    "shadow_reports",
    _node(),
    _boot(),
    Column("sequence", BigInteger, nullable=False),
    Column("release", String(64), nullable=False),
    Column("model", String(120), nullable=False),
    Column("candidate", String(120), nullable=False),
    Column("start_s", Float, nullable=False),
    Column("end_s", Float, nullable=False),
    Column("clock_trusted", Boolean, nullable=False),
    Column("steps", BigInteger, nullable=False),
    Column("agreed", BigInteger, nullable=False),
    Column("skipped", BigInteger, nullable=False),
    Column("counts", Text, nullable=False),  # JSON: both, gained and lost, by label
    Column("cpu_percent", Float, nullable=False),
    Column("stored_s", Float, nullable=False),
    Index(None, "release", "node_id"),
    Index(None, "node_id", "start_s"),
)

disagreements = _table(
    "disagreements",
    _node(),
    _boot(),
    Column("sequence", BigInteger, nullable=False),
    Column("release", String(64), nullable=False),
    Column("model", String(120), nullable=False),
    Column("candidate", String(120), nullable=False),
    Column("kind", String(10), nullable=False),
    Column("label", String(60), nullable=False),
    Column("posterior", Float, nullable=False),
    Column("candidate_posterior", Float, nullable=False),
    Column("start_s", Float, nullable=False),
    Column("end_s", Float, nullable=False),
    Column("clock_trusted", Boolean, nullable=False),
    Column("stored_s", Float, nullable=False),
    Index(None, "release", "label", "kind"),
    Index(None, "node_id", "start_s"),
    Index(None, "boot_id", "start_s"),
)
