"""Create the invitations of nodes, and the certificates that they were given."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Step forward."""
    op.create_table(
        "invitations",
        sa.Column("id", _ID, nullable=False),
        sa.Column("node", sa.String(length=64), nullable=False),
        sa.Column("site", sa.String(length=100), nullable=False),
        sa.Column("tags", sa.Text(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("who", sa.String(length=100), nullable=False),
        sa.Column("created_s", sa.Float(), nullable=False),
        sa.Column("expires_s", sa.Float(), nullable=False),
        sa.Column("ended_s", sa.Float(), nullable=True),
        sa.Column("serial", sa.String(length=40), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_invitations")),
        sa.UniqueConstraint("digest", name=op.f("uq_invitations_digest")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_invitations_node"), "invitations", ["node"], unique=False)
    op.create_table(
        "certificates",
        sa.Column("id", _ID, nullable=False),
        sa.Column("node", sa.String(length=64), nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("serial", sa.String(length=40), nullable=False),
        sa.Column("key_digest", sa.String(length=64), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("issued_s", sa.Float(), nullable=False),
        sa.Column("not_before_s", sa.Float(), nullable=False),
        sa.Column("not_after_s", sa.Float(), nullable=False),
        sa.Column("confirmed_s", sa.Float(), nullable=True),
        sa.Column("revoked_s", sa.Float(), nullable=True),
        sa.Column("reason", sa.String(length=200), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_certificates")),
        sa.UniqueConstraint("serial", name=op.f("uq_certificates_serial")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_certificates_node"), "certificates", ["node"], unique=False)
    op.create_index(
        op.f("ix_certificates_node_key_digest"), "certificates", ["node", "key_digest"], unique=False
    )


def downgrade() -> None:
    """Step back."""
    op.drop_index(op.f("ix_certificates_node_key_digest"), table_name="certificates")
    op.drop_index(op.f("ix_certificates_node"), table_name="certificates")
    op.drop_table("certificates")
    op.drop_index(op.f("ix_invitations_node"), table_name="invitations")
    op.drop_table("invitations")
