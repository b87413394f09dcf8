"""Review windows: labels, cards, claims, reviews."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Step forward."""
    op.create_table(
        "review_labels",
        sa.Column("id", _ID, nullable=False),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("description", sa.String(length=400), nullable=False),
        sa.Column("private", sa.Boolean(), nullable=False),
        sa.Column("digit", sa.SmallInteger(), nullable=True),
        sa.Column("merged_into", _ID, nullable=True),
        sa.Column("made_by", sa.String(length=40), nullable=True),
        sa.Column("made_s", sa.Float(), nullable=False),
        sa.Column("changed_by", sa.String(length=40), nullable=True),
        sa.Column("changed_s", sa.Float(), nullable=False),
        sa.ForeignKeyConstraint(
            ["merged_into"], ["review_labels.id"], name=op.f("fk_review_labels_merged_into")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_review_labels")),
        sa.UniqueConstraint("name", name=op.f("uq_review_labels_name")),
        sa.UniqueConstraint("digit", name=op.f("uq_review_labels_digit")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_review_labels_merged_into"), "review_labels", ["merged_into"])
    op.create_table(
        "cards",
        sa.Column("window_id", _ID, autoincrement=False, nullable=False),
        sa.Column("node_id", _ID, nullable=False),
        sa.Column("model", sa.String(length=120), nullable=False),
        sa.Column("frontend_digest", sa.String(length=64), nullable=False),
        sa.Column("reason", sa.String(length=20), nullable=False),
        sa.Column("start_s", sa.Float(), nullable=False),
        sa.Column("end_s", sa.Float(), nullable=False),
        sa.Column("top_label", sa.String(length=60), nullable=True),
        sa.Column("posterior", sa.Float(), nullable=False),
        sa.Column("fingerprint", sa.LargeBinary(), nullable=False),
        sa.Column("representative", _ID, nullable=True),
        sa.Column("uncertainty", sa.Float(), nullable=False),
        sa.Column("rarity", sa.Float(), nullable=False),
        sa.Column("novelty", sa.Float(), nullable=False),
        sa.Column("disagreement", sa.Float(), nullable=False),
        sa.Column("value", sa.Float(), nullable=False),
        sa.Column("answers", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["node_id"], ["nodes.id"], name=op.f("fk_cards_node_id")),
        sa.ForeignKeyConstraint(
            ["representative"],
            ["cards.window_id"],
            name=op.f("fk_cards_representative"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["window_id"], ["windows.id"], name=op.f("fk_cards_window_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("window_id", name=op.f("pk_cards")),
    )
    op.create_index(op.f("ix_cards_answers_value"), "cards", ["answers", "value"])
    op.create_index(op.f("ix_cards_node_id_start_s"), "cards", ["node_id", "start_s"])
    op.create_index(op.f("ix_cards_representative"), "cards", ["representative"])
    op.create_index(op.f("ix_cards_frontend_digest"), "cards", ["frontend_digest"])
    op.create_table(
        "reviews",
        sa.Column("id", _ID, nullable=False),
        sa.Column("window_id", _ID, autoincrement=False, nullable=False),
        sa.Column("reviewer", sa.String(length=40), nullable=False),
        sa.Column("verdict", sa.String(length=10), nullable=False),
        sa.Column("label_id", _ID, nullable=True),
        sa.Column("batch", sa.String(length=32), nullable=False),
        sa.Column("source", sa.String(length=10), nullable=False),
        sa.Column("made_s", sa.Float(), nullable=False),
        sa.Column("undone_s", sa.Float(), nullable=True),
        sa.ForeignKeyConstraint(["label_id"], ["review_labels.id"], name=op.f("fk_reviews_label_id")),
        sa.ForeignKeyConstraint(
            ["window_id"], ["windows.id"], name=op.f("fk_reviews_window_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reviews")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_reviews_batch"), "reviews", ["batch"])
    op.create_index(op.f("ix_reviews_label_id"), "reviews", ["label_id"])
    op.create_index(op.f("ix_reviews_reviewer_id"), "reviews", ["reviewer", "id"])
    op.create_index(op.f("ix_reviews_window_id"), "reviews", ["window_id"])
    op.create_table(
        "review_claims",
        sa.Column("window_id", _ID, autoincrement=False, nullable=False),
        sa.Column("reviewer", sa.String(length=40), nullable=False),
        sa.Column("until_s", sa.Float(), nullable=False),
        sa.ForeignKeyConstraint(
            ["window_id"], ["windows.id"], name=op.f("fk_review_claims_window_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("window_id", name=op.f("pk_review_claims")),
    )
    op.create_index(op.f("ix_review_claims_reviewer"), "review_claims", ["reviewer"])


def downgrade() -> None:
    """Step back."""
    for table in ("review_claims", "reviews", "cards", "review_labels"):
        op.drop_table(table)
