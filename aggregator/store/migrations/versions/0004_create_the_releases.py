"""Create snapshots, trainings and releases."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Step forward."""
    op.create_table(
        "snapshots",
        sa.Column("id", _ID, nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("frontend_digest", sa.String(length=64), nullable=False),
        sa.Column("base", sa.Text(), nullable=False),
        sa.Column("base_digest", sa.String(length=64), nullable=False),
        sa.Column("labels", sa.Text(), nullable=False),
        sa.Column("left_out", sa.Text(), nullable=False),
        sa.Column("windows", sa.BigInteger(), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("made_s", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_snapshots")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "snapshot_windows",
        sa.Column("snapshot_id", _ID, autoincrement=False, nullable=False),
        sa.Column("window_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("label", sa.String(length=60), nullable=True),
        sa.Column("split", sa.String(length=20), nullable=False),
        sa.ForeignKeyConstraint(
            ["snapshot_id"], ["snapshots.id"], name=op.f("fk_snapshot_windows_snapshot_id")
        ),
        sa.PrimaryKeyConstraint("snapshot_id", "window_id", name=op.f("pk_snapshot_windows")),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_snapshot_windows_window_id"), "snapshot_windows", ["window_id"])
    op.create_table(
        "trainings",
        sa.Column("id", _ID, nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("trigger", sa.String(length=20), nullable=False),
        sa.Column("who", sa.String(length=64), nullable=False),
        sa.Column("asked_s", sa.Float(), nullable=False),
        sa.Column("started_s", sa.Float(), nullable=True),
        sa.Column("ended_s", sa.Float(), nullable=True),
        sa.Column("cancel_asked_s", sa.Float(), nullable=True),
        sa.Column("cancelled_by", sa.String(length=64), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("pid", sa.BigInteger(), nullable=True),
        sa.Column("pid_ticks", sa.BigInteger(), nullable=True),
        sa.Column("progress", sa.Text(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("snapshot_id", _ID, nullable=True),
        sa.Column("release_id", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["snapshot_id"], ["snapshots.id"], name=op.f("fk_trainings_snapshot_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_trainings")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_trainings_state"), "trainings", ["state"])
    op.create_table(
        "releases",
        sa.Column("id", _ID, nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("version", sa.String(length=40), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("frontend_digest", sa.String(length=64), nullable=False),
        sa.Column("recipe", sa.String(length=100), nullable=False),
        sa.Column("labels", sa.Text(), nullable=False),
        sa.Column("metrics", sa.Text(), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("parent_id", _ID, nullable=True),
        sa.Column("snapshot_id", _ID, nullable=True),
        sa.Column("training_id", _ID, nullable=True),
        sa.Column("passed", sa.Boolean(), nullable=False),
        sa.Column("verdict", sa.Text(), nullable=True),
        sa.Column("registered_s", sa.Float(), nullable=False),
        sa.ForeignKeyConstraint(["parent_id"], ["releases.id"], name=op.f("fk_releases_parent_id")),
        sa.ForeignKeyConstraint(["snapshot_id"], ["snapshots.id"], name=op.f("fk_releases_snapshot_id")),
        sa.ForeignKeyConstraint(["training_id"], ["trainings.id"], name=op.f("fk_releases_training_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_releases")),
        sa.UniqueConstraint("digest", name=op.f("uq_releases_digest")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "judgements",
        sa.Column("id", _ID, nullable=False),
        sa.Column("release_id", _ID, nullable=False),
        sa.Column("snapshot_id", _ID, nullable=False),
        sa.Column("figures", sa.Text(), nullable=False),
        sa.Column("judged_s", sa.Float(), nullable=False),
        sa.ForeignKeyConstraint(["release_id"], ["releases.id"], name=op.f("fk_judgements_release_id")),
        sa.ForeignKeyConstraint(["snapshot_id"], ["snapshots.id"], name=op.f("fk_judgements_snapshot_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_judgements")),
        sa.UniqueConstraint("release_id", "snapshot_id", name=op.f("uq_judgements_release_id_snapshot_id")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "release_decisions",
        sa.Column("id", _ID, nullable=False),
        sa.Column("release_id", _ID, nullable=False),
        sa.Column("decision", sa.String(length=20), nullable=False),
        sa.Column("who", sa.String(length=64), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("over_refusal", sa.Boolean(), nullable=False),
        sa.Column("decided_s", sa.Float(), nullable=False),
        sa.ForeignKeyConstraint(
            ["release_id"], ["releases.id"], name=op.f("fk_release_decisions_release_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_release_decisions")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_release_decisions_release_id"), "release_decisions", ["release_id"])


def downgrade() -> None:
    """Step back."""
    op.drop_index(op.f("ix_release_decisions_release_id"), table_name="release_decisions")
    for table in ("release_decisions", "judgements", "releases"):
        op.drop_table(table)
    op.drop_index(op.f("ix_trainings_state"), table_name="trainings")
    op.drop_table("trainings")
    op.drop_index(op.f("ix_snapshot_windows_window_id"), table_name="snapshot_windows")
    op.drop_table("snapshot_windows")
    op.drop_table("snapshots")
