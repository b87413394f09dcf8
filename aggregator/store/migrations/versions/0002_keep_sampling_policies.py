"""Keep sampling policies, and commands that carry one."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Step forward."""
    op.create_table(
        "sampling_policies",
        sa.Column("id", _ID, nullable=False),
        sa.Column("scope", sa.String(length=8), nullable=False),
        sa.Column("target", sa.String(length=64), nullable=False),
        sa.Column("sampling", sa.Text(), nullable=False),
        sa.Column("set_s", sa.Float(), nullable=False),
        sa.Column("set_by", sa.String(length=100), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sampling_policies")),
        sa.UniqueConstraint("scope", "target", name=op.f("uq_sampling_policies_scope_target")),
        sqlite_autoincrement=True,
    )
    op.add_column("commands", sa.Column("sampling", sa.Text(), nullable=True))


def downgrade() -> None:
    """Step back."""
    op.drop_column("commands", "sampling")
    op.drop_table("sampling_policies")
