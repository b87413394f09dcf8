"""Record what was deleted."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Step forward."""
    op.create_table(
        "deletions",
        sa.Column("id", _ID, nullable=False),
        sa.Column("scope", sa.String(length=10), nullable=False),
        sa.Column("node", sa.String(length=64), nullable=False),
        sa.Column("window_id", sa.BigInteger(), nullable=True),
        sa.Column("until_s", sa.Float(), nullable=True),
        sa.Column("who", sa.String(length=64), nullable=False),
        sa.Column("asked_s", sa.Float(), nullable=False),
        sa.Column("done_s", sa.Float(), nullable=True),
        sa.Column("counts", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deletions")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "snapshot_deletions",
        sa.Column("id", _ID, nullable=False),
        sa.Column("snapshot_id", _ID, nullable=False),
        sa.Column("windows", sa.BigInteger(), nullable=False),
        sa.Column("digest_before", sa.String(length=64), nullable=False),
        sa.Column("deleted_s", sa.Float(), nullable=False),
        sa.ForeignKeyConstraint(
            ["snapshot_id"], ["snapshots.id"], name=op.f("fk_snapshot_deletions_snapshot_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_snapshot_deletions")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_snapshot_deletions_snapshot_id"), "snapshot_deletions", ["snapshot_id"])


def downgrade() -> None:
    """Step back."""
    op.drop_index(op.f("ix_snapshot_deletions_snapshot_id"), table_name="snapshot_deletions")
    op.drop_table("snapshot_deletions")
    op.drop_table("deletions")
