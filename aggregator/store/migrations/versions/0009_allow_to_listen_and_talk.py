"""Keep which nodes may be listened and talked to."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Step forward."""
    op.create_table(
        "allowances",
        sa.Column("node_id", _ID, autoincrement=False, nullable=False),
        sa.Column("what", sa.String(length=20), nullable=False),
        sa.Column("level", sa.String(length=10), nullable=False),
        sa.Column("changed_s", sa.Float(), nullable=False),
        sa.Column("changed_by", sa.String(length=100), nullable=False),
        sa.ForeignKeyConstraint(["node_id"], ["nodes.id"], name=op.f("fk_allowances_node_id")),
        sa.PrimaryKeyConstraint("node_id", "what", name=op.f("pk_allowances")),
    )


def downgrade() -> None:
    """Step back."""
    op.drop_table("allowances")
