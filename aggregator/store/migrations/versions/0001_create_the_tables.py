"""Create the tables."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Step forward."""
    op.create_table(
        "accounts",
        sa.Column("id", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("password_hash", sa.String(length=200), nullable=False),
        sa.Column("version", sa.String(length=32), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_accounts")),
    )
    op.create_table(
        "counters",
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("value", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_counters")),
    )
    op.create_table(
        "labels",
        sa.Column("id", _ID, nullable=False),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_labels")),
        sa.UniqueConstraint("name", name=op.f("uq_labels_name")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "models",
        sa.Column("id", _ID, nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("frontend_digest", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_models")),
        sa.UniqueConstraint("name", "frontend_digest", name=op.f("uq_models_name_frontend_digest")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "nodes",
        sa.Column("id", _ID, nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("boot", sa.String(length=16), nullable=True),
        sa.Column("online", sa.Boolean(), nullable=False),
        sa.Column("last_heard_s", sa.Float(), nullable=True),
        sa.Column("birth", sa.Text(), nullable=True),
        sa.Column("heartbeat", sa.Text(), nullable=True),
        sa.Column("clock_offset_s", sa.Float(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_nodes")),
        sa.UniqueConstraint("name", name=op.f("uq_nodes_name")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_nodes_revision"), "nodes", ["revision"])
    op.create_table(
        "quarantine",
        sa.Column("id", _ID, nullable=False),
        sa.Column("topic", sa.String(length=300), nullable=False),
        sa.Column("boot", sa.String(length=16), nullable=True),
        sa.Column("sequence", sa.BigInteger(), nullable=True),
        sa.Column("reason", sa.String(length=400), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("payload", sa.LargeBinary(), nullable=False),
        sa.Column("received_s", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_quarantine")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "boots",
        sa.Column("id", _ID, nullable=False),
        sa.Column("node_id", _ID, nullable=False),
        sa.Column("boot", sa.String(length=16), nullable=False),
        sa.Column("first_heard_s", sa.Float(), nullable=False),
        sa.Column("last_heard_s", sa.Float(), nullable=False),
        sa.Column("superseded", sa.Boolean(), nullable=False),
        sa.Column("epoch_s", sa.Float(), nullable=True),
        sa.Column("through", sa.BigInteger(), nullable=False),
        sa.Column("received", sa.BigInteger(), nullable=False),
        sa.Column("duplicates", sa.BigInteger(), nullable=False),
        sa.Column("missing", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["node_id"], ["nodes.id"], name=op.f("fk_boots_node_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_boots")),
        sa.UniqueConstraint("node_id", "boot", name=op.f("uq_boots_node_id_boot")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "commands",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("node_id", _ID, nullable=False),
        sa.Column("action", sa.String(length=40), nullable=False),
        sa.Column("publish", sa.String(length=40), nullable=True),
        sa.Column("issued_s", sa.Float(), nullable=False),
        sa.Column("expires_s", sa.Float(), nullable=False),
        sa.Column("sent_s", sa.Float(), nullable=True),
        sa.ForeignKeyConstraint(["node_id"], ["nodes.id"], name=op.f("fk_commands_node_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_commands")),
    )
    op.create_index(op.f("ix_commands_node_id_issued_s"), "commands", ["node_id", "issued_s"])
    op.create_index(op.f("ix_commands_sent_s"), "commands", ["sent_s"])
    op.create_table(
        "levels",
        sa.Column("node_id", _ID, autoincrement=False, nullable=False),
        sa.Column("start_s", sa.Float(), autoincrement=False, nullable=False),
        sa.Column("values", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["node_id"], ["nodes.id"], name=op.f("fk_levels_node_id")),
        sa.PrimaryKeyConstraint("node_id", "start_s", name=op.f("pk_levels")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "detections",
        sa.Column("id", _ID, nullable=False),
        sa.Column("node_id", _ID, nullable=False),
        sa.Column("boot_id", _ID, nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("label_id", _ID, nullable=False),
        sa.Column("model_id", _ID, nullable=False),
        sa.Column("posterior", sa.Float(), nullable=False),
        sa.Column("threshold", sa.Float(), nullable=False),
        sa.Column("start_s", sa.Float(), nullable=False),
        sa.Column("end_s", sa.Float(), nullable=False),
        sa.Column("clock_trusted", sa.Boolean(), nullable=False),
        sa.Column("level_dbfs", sa.Float(), nullable=False),
        sa.Column("stored_s", sa.Float(), nullable=False),
        sa.ForeignKeyConstraint(["boot_id"], ["boots.id"], name=op.f("fk_detections_boot_id")),
        sa.ForeignKeyConstraint(["label_id"], ["labels.id"], name=op.f("fk_detections_label_id")),
        sa.ForeignKeyConstraint(["model_id"], ["models.id"], name=op.f("fk_detections_model_id")),
        sa.ForeignKeyConstraint(["node_id"], ["nodes.id"], name=op.f("fk_detections_node_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_detections")),
        sa.UniqueConstraint("boot_id", "sequence", name=op.f("uq_detections_boot_id_sequence")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_detections_label_id_start_s_id"), "detections", ["label_id", "start_s", "id"])
    op.create_index(
        op.f("ix_detections_node_id_label_id_start_s_id"),
        "detections",
        ["node_id", "label_id", "start_s", "id"],
    )
    op.create_index(op.f("ix_detections_node_id_start_s_id"), "detections", ["node_id", "start_s", "id"])
    op.create_index(op.f("ix_detections_start_s_id"), "detections", ["start_s", "id"])
    op.create_table(
        "gaps",
        sa.Column("id", _ID, nullable=False),
        sa.Column("node_id", _ID, nullable=False),
        sa.Column("boot_id", _ID, nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.String(length=40), nullable=False),
        sa.Column("gap_boot_id", _ID, nullable=False),
        sa.Column("start_s", sa.Float(), nullable=False),
        sa.Column("end_s", sa.Float(), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.Column("stored_s", sa.Float(), nullable=False),
        sa.ForeignKeyConstraint(["boot_id"], ["boots.id"], name=op.f("fk_gaps_boot_id")),
        sa.ForeignKeyConstraint(["gap_boot_id"], ["boots.id"], name=op.f("fk_gaps_gap_boot_id")),
        sa.ForeignKeyConstraint(["node_id"], ["nodes.id"], name=op.f("fk_gaps_node_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_gaps")),
        sa.UniqueConstraint("boot_id", "sequence", name=op.f("uq_gaps_boot_id_sequence")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_gaps_node_id_start_s"), "gaps", ["node_id", "start_s"])
    op.create_table(
        "received",
        sa.Column("boot_id", _ID, autoincrement=False, nullable=False),
        sa.Column("sequence", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("refused", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["boot_id"], ["boots.id"], name=op.f("fk_received_boot_id")),
        sa.PrimaryKeyConstraint("boot_id", "sequence", name=op.f("pk_received")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "windows",
        sa.Column("id", _ID, nullable=False),
        sa.Column("node_id", _ID, nullable=False),
        sa.Column("boot_id", _ID, nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("detection", sa.BigInteger(), nullable=True),
        sa.Column("reason", sa.String(length=20), nullable=False),
        sa.Column("model", sa.String(length=120), nullable=False),
        sa.Column("frontend_digest", sa.String(length=64), nullable=False),
        sa.Column("labels", sa.Text(), nullable=False),
        sa.Column("start_s", sa.Float(), nullable=False),
        sa.Column("end_s", sa.Float(), nullable=False),
        sa.Column("clock_trusted", sa.Boolean(), nullable=False),
        sa.Column("hop_ms", sa.Integer(), nullable=False),
        sa.Column("step_ms", sa.Integer(), nullable=False),
        sa.Column("mel_bins", sa.Integer(), nullable=False),
        sa.Column("stored_s", sa.Float(), nullable=False),
        sa.Column("posteriors", sa.LargeBinary(), nullable=False),
        sa.Column("frames", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["boot_id"], ["boots.id"], name=op.f("fk_windows_boot_id")),
        sa.ForeignKeyConstraint(["node_id"], ["nodes.id"], name=op.f("fk_windows_node_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_windows")),
        sa.UniqueConstraint("boot_id", "sequence", name=op.f("uq_windows_boot_id_sequence")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_windows_boot_id_detection"), "windows", ["boot_id", "detection"])
    op.create_index(op.f("ix_windows_boot_id_start_s"), "windows", ["boot_id", "start_s"])
    op.create_index(op.f("ix_windows_start_s"), "windows", ["start_s"])
    op.create_table(
        "gap_ranges",
        sa.Column("id", _ID, nullable=False),
        sa.Column("gap_id", _ID, nullable=False),
        sa.Column("boot_id", _ID, nullable=False),
        sa.Column("first", sa.BigInteger(), nullable=False),
        sa.Column("last", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["boot_id"], ["boots.id"], name=op.f("fk_gap_ranges_boot_id")),
        sa.ForeignKeyConstraint(["gap_id"], ["gaps.id"], name=op.f("fk_gap_ranges_gap_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_gap_ranges")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_gap_ranges_boot_id"), "gap_ranges", ["boot_id"])


def downgrade() -> None:
    """Step back."""
    op.drop_index(op.f("ix_gap_ranges_boot_id"), table_name="gap_ranges")
    op.drop_table("gap_ranges")
    op.drop_index(op.f("ix_windows_start_s"), table_name="windows")
    op.drop_index(op.f("ix_windows_boot_id_start_s"), table_name="windows")
    op.drop_index(op.f("ix_windows_boot_id_detection"), table_name="windows")
    op.drop_table("windows")
    op.drop_table("received")
    op.drop_index(op.f("ix_gaps_node_id_start_s"), table_name="gaps")
    op.drop_table("gaps")
    op.drop_index(op.f("ix_detections_start_s_id"), table_name="detections")
    op.drop_index(op.f("ix_detections_node_id_start_s_id"), table_name="detections")
    op.drop_index(op.f("ix_detections_node_id_label_id_start_s_id"), table_name="detections")
    op.drop_index(op.f("ix_detections_label_id_start_s_id"), table_name="detections")
    op.drop_table("detections")
    op.drop_table("levels")
    op.drop_index(op.f("ix_commands_sent_s"), table_name="commands")
    op.drop_index(op.f("ix_commands_node_id_issued_s"), table_name="commands")
    op.drop_table("commands")
    op.drop_table("boots")
    op.drop_table("quarantine")
    op.drop_index(op.f("ix_nodes_revision"), table_name="nodes")
    op.drop_table("nodes")
    op.drop_table("models")
    op.drop_table("labels")
    op.drop_table("counters")
    op.drop_table("accounts")
