"""The tables. ``migrations/`` creates them; a test holds the two together.

Times are seconds since 1970 by the aggregator's clock, but ``start_s`` and ``end_s``: those are by the
node's, or corrected where it could not be right (``clock_trusted`` is false).
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)

# SQLite gives out ascending row ids only to INTEGER keys.
_ID = BigInteger().with_variant(Integer, "sqlite")


def _table(name: str, *columns: Column[object] | Index | UniqueConstraint) -> Table:
    """A table with an ascending id that is never given out twice: the live feed tails it."""
    return Table(name, metadata, Column("id", _ID, primary_key=True), *columns, sqlite_autoincrement=True)


def _node() -> Column[object]:
    return Column("node_id", _ID, ForeignKey("nodes.id"), nullable=False)


def _boot() -> Column[object]:
    return Column("boot_id", _ID, ForeignKey("boots.id"), nullable=False)


nodes = _table(
    "nodes",
    Column("name", String(64), nullable=False, unique=True),
    Column("revision", BigInteger, nullable=False, index=True),  # rises with each change of any node
    Column("boot", String(16)),
    Column("online", Boolean, nullable=False),
    Column("last_heard_s", Float),
    Column("birth", Text),  # JSON, as the contract has it
    Column("heartbeat", Text),  # likewise
    Column("clock_offset_s", Float),
)

boots = _table(
    "boots",
    _node(),
    Column("boot", String(16), nullable=False),
    Column("first_heard_s", Float, nullable=False),
    Column("last_heard_s", Float, nullable=False),
    Column("superseded", Boolean, nullable=False),
    Column("epoch_s", Float),  # see domain.clock
    Column("through", BigInteger, nullable=False),
    Column("received", BigInteger, nullable=False),
    Column("duplicates", BigInteger, nullable=False),
    Column("missing", BigInteger, nullable=False),
    UniqueConstraint("node_id", "boot"),
)

# The ledger: one row per durable message that ever came, however it ended.
received = Table(
    "received",
    metadata,
    Column("boot_id", _ID, ForeignKey("boots.id"), primary_key=True, autoincrement=False),
    Column("sequence", BigInteger, primary_key=True, autoincrement=False),
    Column("refused", Boolean, nullable=False),
    sqlite_with_rowid=False,
)

labels = _table("labels", Column("name", String(60), nullable=False, unique=True))

models = _table(
    "models",
    Column("name", String(120), nullable=False),
    Column("frontend_digest", String(64), nullable=False),
    UniqueConstraint("name", "frontend_digest"),
)

detections = _table(
    "detections",
    _node(),
    _boot(),
    Column("sequence", BigInteger, nullable=False),
    Column("label_id", _ID, ForeignKey("labels.id"), nullable=False),
    Column("model_id", _ID, ForeignKey("models.id"), nullable=False),
    Column("posterior", Float, nullable=False),
    Column("threshold", Float, nullable=False),
    Column("start_s", Float, nullable=False),
    Column("end_s", Float, nullable=False),
    Column("clock_trusted", Boolean, nullable=False),
    Column("level_dbfs", Float, nullable=False),
    Column("stored_s", Float, nullable=False),
    UniqueConstraint("boot_id", "sequence"),
    Index(None, "start_s", "id"),
    Index(None, "node_id", "start_s", "id"),
    Index(None, "label_id", "start_s", "id"),
    Index(None, "node_id", "label_id", "start_s", "id"),
)

windows = _table(
    "windows",
    _node(),
    _boot(),
    Column("sequence", BigInteger, nullable=False),
    Column("detection", BigInteger),  # sequence of the detection, same boot
    Column("reason", String(20), nullable=False),
    Column("model", String(120), nullable=False),
    Column("frontend_digest", String(64), nullable=False),
    Column("labels", Text, nullable=False),  # JSON
    Column("start_s", Float, nullable=False),
    Column("end_s", Float, nullable=False),
    Column("clock_trusted", Boolean, nullable=False),
    Column("hop_ms", Integer, nullable=False),
    Column("step_ms", Integer, nullable=False),
    Column("mel_bins", Integer, nullable=False),
    Column("stored_s", Float, nullable=False),
    Column("posteriors", LargeBinary, nullable=False),  # uint8, posterior × 255, (steps, labels)
    Column("frames", LargeBinary, nullable=False),  # int8, (frames, mel bins)
    UniqueConstraint("boot_id", "sequence"),
    Index(None, "boot_id", "detection"),
    Index(None, "boot_id", "start_s"),
    Index(None, "start_s"),
)

gaps = _table(
    "gaps",
    _node(),
    _boot(),
    Column("sequence", BigInteger, nullable=False),
    Column("reason", String(40), nullable=False),
    Column("gap_boot_id", _ID, ForeignKey("boots.id"), nullable=False),
    Column("start_s", Float, nullable=False),
    Column("end_s", Float, nullable=False),
    Column("count", BigInteger, nullable=False),
    Column("stored_s", Float, nullable=False),
    UniqueConstraint("boot_id", "sequence"),
    Index(None, "node_id", "start_s"),
)

gap_ranges = _table(
    "gap_ranges",
    Column("gap_id", _ID, ForeignKey("gaps.id"), nullable=False),
    Column("boot_id", _ID, ForeignKey("boots.id"), nullable=False),
    Column("first", BigInteger, nullable=False),
    Column("last", BigInteger, nullable=False),
    Index(None, "boot_id"),
)

levels = Table(
    "levels",
    metadata,
    Column("node_id", _ID, ForeignKey("nodes.id"), primary_key=True, autoincrement=False),
    Column("start_s", Float, primary_key=True, autoincrement=False),
    Column("values", LargeBinary, nullable=False),  # int16 little-endian, 0.01 dB, one per second
    sqlite_with_rowid=False,
)

quarantine = _table(
    "quarantine",
    Column("topic", String(300), nullable=False),
    Column("boot", String(16)),
    Column("sequence", BigInteger),
    Column("reason", String(400), nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    Column("payload", LargeBinary, nullable=False),  # its beginning, up to services.quarantine's bound
    Column("received_s", Float, nullable=False),
)

counters = Table(
    "counters",
    metadata,
    Column("name", String(40), primary_key=True),
    Column("value", BigInteger, nullable=False),
)

commands = Table(
    "commands",
    metadata,
    Column("id", String(32), primary_key=True),
    _node(),
    Column("action", String(40), nullable=False),
    Column("publish", String(40)),
    Column("sampling", Text),  # JSON, as the contract has it
    Column("issued_s", Float, nullable=False),
    Column("expires_s", Float, nullable=False),
    Column("sent_s", Float),
    Index(None, "node_id", "issued_s"),
    Index(None, "sent_s"),
)

sampling_policies = _table(
    "sampling_policies",
    Column("scope", String(8), nullable=False),  # one of domain.sampling.SCOPES
    Column("target", String(64), nullable=False),  # a tag or a node; empty for the fleet
    Column("sampling", Text, nullable=False),  # JSON, as the contract has it
    Column("set_s", Float, nullable=False),
    Column("set_by", String(100), nullable=False),
    UniqueConstraint("scope", "target"),
)
