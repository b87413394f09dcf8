"""Create rollouts, what nodes say of updates and shadows, and the audit log."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Step forward."""
    op.create_table(
        "audit",
        sa.Column("id", _ID, nullable=False),
        sa.Column("at_s", sa.Float(), nullable=False),
        sa.Column("who", sa.String(length=100), nullable=False),
        sa.Column("action", sa.String(length=60), nullable=False),
        sa.Column("details", sa.Text(), nullable=False),
        sa.Column("previous", sa.String(length=64), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit")),
        sa.UniqueConstraint("previous", name=op.f("uq_audit_previous")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "rollouts",
        sa.Column("id", _ID, nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("release", sa.String(length=64), nullable=False),
        sa.Column("model", sa.String(length=120), nullable=False),
        sa.Column("plan", sa.Text(), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("automatic", sa.Boolean(), nullable=False),
        sa.Column("wave", sa.Integer(), nullable=False),
        sa.Column("who", sa.String(length=100), nullable=False),
        sa.Column("created_s", sa.Float(), nullable=False),
        sa.Column("changed_s", sa.Float(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rollouts")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_rollouts_state"), "rollouts", ["state"], unique=False)
    op.create_table(
        "ota_desired",
        sa.Column("node_id", _ID, autoincrement=False, nullable=False),
        sa.Column("serial", sa.BigInteger(), nullable=False),
        sa.Column("issued_s", sa.Float(), nullable=False),
        sa.Column("release", sa.String(length=64), nullable=True),
        sa.Column("target", sa.String(length=200), nullable=False),
        sa.Column("rollout", sa.BigInteger(), nullable=True),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("mode", sa.String(length=10), nullable=False),
        sa.Column("probation_s", sa.Float(), nullable=False),
        sa.Column("shadow_s", sa.Float(), nullable=False),
        sa.Column("shadow_cpu_percent", sa.Float(), nullable=False),
        sa.Column("sent_s", sa.Float(), nullable=True),
        sa.ForeignKeyConstraint(["node_id"], ["nodes.id"], name=op.f("fk_ota_desired_node_id")),
        sa.PrimaryKeyConstraint("node_id", name=op.f("pk_ota_desired")),
    )
    op.create_index(op.f("ix_ota_desired_sent_s"), "ota_desired", ["sent_s"], unique=False)
    op.create_table(
        "ota_pins",
        sa.Column("node_id", _ID, autoincrement=False, nullable=False),
        sa.Column("release", sa.String(length=64), nullable=True),
        sa.Column("model", sa.String(length=120), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("who", sa.String(length=100), nullable=False),
        sa.Column("pinned_s", sa.Float(), nullable=False),
        sa.ForeignKeyConstraint(["node_id"], ["nodes.id"], name=op.f("fk_ota_pins_node_id")),
        sa.PrimaryKeyConstraint("node_id", name=op.f("pk_ota_pins")),
    )
    op.create_table(
        "rollout_nodes",
        sa.Column("rollout_id", _ID, autoincrement=False, nullable=False),
        sa.Column("wave", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("node_id", _ID, autoincrement=False, nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("phase", sa.String(length=20), nullable=False),
        sa.Column("done_bytes", sa.BigInteger(), nullable=False),
        sa.Column("total_bytes", sa.BigInteger(), nullable=False),
        sa.Column("assigned_s", sa.Float(), nullable=True),
        sa.Column("changed_s", sa.Float(), nullable=True),
        sa.Column("running_s", sa.Float(), nullable=True),
        sa.Column("before", sa.String(length=64), nullable=True),
        sa.Column("before_target", sa.String(length=200), nullable=False),
        sa.Column("before_attempt", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["node_id"], ["nodes.id"], name=op.f("fk_rollout_nodes_node_id")),
        sa.ForeignKeyConstraint(["rollout_id"], ["rollouts.id"], name=op.f("fk_rollout_nodes_rollout_id")),
        sa.PrimaryKeyConstraint("rollout_id", "wave", "node_id", name=op.f("pk_rollout_nodes")),
    )
    op.create_index(op.f("ix_rollout_nodes_node_id"), "rollout_nodes", ["node_id"], unique=False)
    op.create_index(
        op.f("ix_rollout_nodes_rollout_id_wave_state"),
        "rollout_nodes",
        ["rollout_id", "wave", "state"],
        unique=False,
    )
    op.create_index(
        "uq_rollout_nodes_assigned",
        "rollout_nodes",
        ["node_id"],
        unique=True,
        sqlite_where=sa.text("state = 'assigned'"),
        postgresql_where=sa.text("state = 'assigned'"),
    )
    op.create_table(
        "rollout_waves",
        sa.Column("rollout_id", _ID, autoincrement=False, nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("began_s", sa.Float(), nullable=True),
        sa.Column("ended_s", sa.Float(), nullable=True),
        sa.Column("waived", sa.Boolean(), nullable=False),
        sa.Column("forgiven", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["rollout_id"], ["rollouts.id"], name=op.f("fk_rollout_waves_rollout_id")),
        sa.PrimaryKeyConstraint("rollout_id", "number", name=op.f("pk_rollout_waves")),
    )
    op.create_table(
        "disagreements",
        sa.Column("id", _ID, nullable=False),
        sa.Column("node_id", _ID, nullable=False),
        sa.Column("boot_id", _ID, nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("release", sa.String(length=64), nullable=False),
        sa.Column("model", sa.String(length=120), nullable=False),
        sa.Column("candidate", sa.String(length=120), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("label", sa.String(length=60), nullable=False),
        sa.Column("posterior", sa.Float(), nullable=False),
        sa.Column("candidate_posterior", sa.Float(), nullable=False),
        sa.Column("start_s", sa.Float(), nullable=False),
        sa.Column("end_s", sa.Float(), nullable=False),
        sa.Column("clock_trusted", sa.Boolean(), nullable=False),
        sa.Column("stored_s", sa.Float(), nullable=False),
        sa.ForeignKeyConstraint(["boot_id"], ["boots.id"], name=op.f("fk_disagreements_boot_id")),
        sa.ForeignKeyConstraint(["node_id"], ["nodes.id"], name=op.f("fk_disagreements_node_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_disagreements")),
        sqlite_autoincrement=True,
    )
    op.create_index(
        op.f("ix_disagreements_boot_id_start_s"), "disagreements", ["boot_id", "start_s"], unique=False
    )
    op.create_index(
        op.f("ix_disagreements_node_id_start_s"), "disagreements", ["node_id", "start_s"], unique=False
    )
    op.create_index(
        op.f("ix_disagreements_release_label_kind"),
        "disagreements",
        ["release", "label", "kind"],
        unique=False,
    )
    op.create_table(
        "shadow_reports",
        sa.Column("id", _ID, nullable=False),
        sa.Column("node_id", _ID, nullable=False),
        sa.Column("boot_id", _ID, nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("release", sa.String(length=64), nullable=False),
        sa.Column("model", sa.String(length=120), nullable=False),
        sa.Column("candidate", sa.String(length=120), nullable=False),
        sa.Column("start_s", sa.Float(), nullable=False),
        sa.Column("end_s", sa.Float(), nullable=False),
        sa.Column("clock_trusted", sa.Boolean(), nullable=False),
        sa.Column("steps", sa.BigInteger(), nullable=False),
        sa.Column("agreed", sa.BigInteger(), nullable=False),
        sa.Column("skipped", sa.BigInteger(), nullable=False),
        sa.Column("counts", sa.Text(), nullable=False),
        sa.Column("cpu_percent", sa.Float(), nullable=False),
        sa.Column("stored_s", sa.Float(), nullable=False),
        sa.ForeignKeyConstraint(["boot_id"], ["boots.id"], name=op.f("fk_shadow_reports_boot_id")),
        sa.ForeignKeyConstraint(["node_id"], ["nodes.id"], name=op.f("fk_shadow_reports_node_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_shadow_reports")),
        sqlite_autoincrement=True,
    )
    op.create_index(
        op.f("ix_shadow_reports_node_id_start_s"), "shadow_reports", ["node_id", "start_s"], unique=False
    )
    op.create_index(
        op.f("ix_shadow_reports_release_node_id"), "shadow_reports", ["release", "node_id"], unique=False
    )
    op.create_table(
        "update_reports",
        sa.Column("id", _ID, nullable=False),
        sa.Column("node_id", _ID, nullable=False),
        sa.Column("boot_id", _ID, nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("release", sa.String(length=64), nullable=False),
        sa.Column("rollout", sa.BigInteger(), nullable=True),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("phase", sa.String(length=20), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("model", sa.String(length=120), nullable=False),
        sa.Column("done_bytes", sa.BigInteger(), nullable=False),
        sa.Column("total_bytes", sa.BigInteger(), nullable=False),
        sa.Column("seconds", sa.Float(), nullable=False),
        sa.Column("stored_s", sa.Float(), nullable=False),
        sa.ForeignKeyConstraint(["boot_id"], ["boots.id"], name=op.f("fk_update_reports_boot_id")),
        sa.ForeignKeyConstraint(["node_id"], ["nodes.id"], name=op.f("fk_update_reports_node_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_update_reports")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_update_reports_node_id_id"), "update_reports", ["node_id", "id"], unique=False)


def downgrade() -> None:
    """Step back."""
    op.drop_index(op.f("ix_update_reports_node_id_id"), table_name="update_reports")
    op.drop_table("update_reports")
    op.drop_index(op.f("ix_shadow_reports_release_node_id"), table_name="shadow_reports")
    op.drop_index(op.f("ix_shadow_reports_node_id_start_s"), table_name="shadow_reports")
    op.drop_table("shadow_reports")
    op.drop_index(op.f("ix_disagreements_release_label_kind"), table_name="disagreements")
    op.drop_index(op.f("ix_disagreements_node_id_start_s"), table_name="disagreements")
    op.drop_index(op.f("ix_disagreements_boot_id_start_s"), table_name="disagreements")
    op.drop_table("disagreements")
    op.drop_table("rollout_waves")
    op.drop_index(
        "uq_rollout_nodes_assigned",
        table_name="rollout_nodes",
        sqlite_where=sa.text("state = 'assigned'"),
        postgresql_where=sa.text("state = 'assigned'"),
    )
    op.drop_index(op.f("ix_rollout_nodes_rollout_id_wave_state"), table_name="rollout_nodes")
    op.drop_index(op.f("ix_rollout_nodes_node_id"), table_name="rollout_nodes")
    op.drop_table("rollout_nodes")
    op.drop_table("ota_pins")
    op.drop_index(op.f("ix_ota_desired_sent_s"), table_name="ota_desired")
    op.drop_table("ota_desired")
    op.drop_index(op.f("ix_rollouts_state"), table_name="rollouts")
    op.drop_table("rollouts")
    op.drop_table("audit")
