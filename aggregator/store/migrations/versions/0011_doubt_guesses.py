"""Keep of each card how much its guess is to be doubted."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Step forward."""
    op.add_column("cards", sa.Column("doubt", sa.Float(), nullable=False, server_default="0"))
    op.execute("UPDATE cards SET doubt = uncertainty")


def downgrade() -> None:
    """Step back."""
    with op.batch_alter_table("cards") as cards:
        cards.drop_column("doubt")
