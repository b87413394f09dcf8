"""Keep levels by hour, what drifted, and alerts."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Step forward."""
    op.create_table(
        "level_hours",
        sa.Column("node_id", _ID, autoincrement=False, nullable=False),
        sa.Column("start_s", sa.Float(), autoincrement=False, nullable=False),
        sa.Column("seconds", sa.Integer(), nullable=False),
        sa.Column("low_dbfs", sa.Float(), nullable=False),
        sa.Column("middle_dbfs", sa.Float(), nullable=False),
        sa.Column("high_dbfs", sa.Float(), nullable=False),
        sa.ForeignKeyConstraint(["node_id"], ["nodes.id"], name=op.f("fk_level_hours_node_id")),
        sa.PrimaryKeyConstraint("node_id", "start_s", name=op.f("pk_level_hours")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "drift_summaries",
        sa.Column("node_id", _ID, autoincrement=False, nullable=False),
        sa.Column("made_s", sa.Float(), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["node_id"], ["nodes.id"], name=op.f("fk_drift_summaries_node_id")),
        sa.PrimaryKeyConstraint("node_id", name=op.f("pk_drift_summaries")),
    )
    op.create_table(
        "drift_alerts",
        sa.Column("id", _ID, nullable=False),
        sa.Column("node_id", _ID, nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("label", sa.String(length=60), nullable=False),
        sa.Column("sentence", sa.Text(), nullable=False),
        sa.Column("begun_s", sa.Float(), nullable=False),
        sa.Column("held_s", sa.Float(), nullable=False),
        sa.Column("ended_s", sa.Float(), nullable=True),
        sa.ForeignKeyConstraint(["node_id"], ["nodes.id"], name=op.f("fk_drift_alerts_node_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_drift_alerts")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_drift_alerts_node_id_begun_s"), "drift_alerts", ["node_id", "begun_s"])
    op.create_index(op.f("ix_drift_alerts_ended_s"), "drift_alerts", ["ended_s"])


def downgrade() -> None:
    """Step back."""
    op.drop_index(op.f("ix_drift_alerts_ended_s"), table_name="drift_alerts")
    op.drop_index(op.f("ix_drift_alerts_node_id_begun_s"), table_name="drift_alerts")
    for table in ("drift_alerts", "drift_summaries", "level_hours"):
        op.drop_table(table)
