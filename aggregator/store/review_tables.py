"""The tables of the learning loop's first half: labels, cards, who looks at which, and what they said.

Whatever is said of a window goes when the window goes.
"""

from sqlalchemy import (
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    String,
    Table,
)

from aggregator.store.tables import _ID, _table, metadata


def _window(*, primary_key: bool = False) -> Column[object]:
    return Column(
        "window_id",
        _ID,
        ForeignKey("windows.id", ondelete="CASCADE"),
        primary_key=primary_key,
        nullable=False,
        autoincrement=False,
    )


review_labels = _table(
    "review_labels",
    Column("name", String(60), nullable=False, unique=True),
    Column("description", String(400), nullable=False),
    Column("private", Boolean, nullable=False),
    Column("digit", SmallInteger, unique=True),  # the key that picks it, 1 to 9
    # A label that was merged, or an earlier name: it counts as that one, which itself is never merged.
    Column("merged_into", _ID, ForeignKey("review_labels.id")),
    Column("made_by", String(40)),  # None: it came with a model
    Column("made_s", Float, nullable=False),
    Column("changed_by", String(40)),
    Column("changed_s", Float, nullable=False),
    Index(None, "merged_into"),
)

cards = Table(
    "cards",
    metadata,
    _window(primary_key=True),
    Column("node_id", _ID, ForeignKey("nodes.id"), nullable=False),
    Column("model", String(120), nullable=False),
    Column("frontend_digest", String(64), nullable=False),
    Column("reason", String(20), nullable=False),
    Column("start_s", Float, nullable=False),
    Column("end_s", Float, nullable=False),
    Column("top_label", String(60)),  # what the model thought; None if it sent no posterior
    Column("posterior", Float, nullable=False),
    Column("fingerprint", LargeBinary, nullable=False),  # see domain.fingerprints
    # The card that stands for this one and those like it; None: it stands for itself.
    Column("representative", _ID, ForeignKey("cards.window_id", ondelete="SET NULL")),
    Column("uncertainty", Float, nullable=False),  # the model's own, 0 to 1; see domain.value
    Column("doubt", Float, nullable=False, server_default="0"),  # the parts of the value, 0 to 1
    Column("rarity", Float, nullable=False),
    Column("novelty", Float, nullable=False),
    Column("disagreement", Float, nullable=False),
    Column("value", Float, nullable=False),
    Column("answers", Integer, nullable=False),  # reviews in force that are no skips
    Index(None, "answers", "value"),
    Index(None, "node_id", "start_s"),
    Index(None, "representative"),
    Index(None, "frontend_digest"),
)

reviews = _table(
    "reviews",
    _window(),
    Column("reviewer", String(40), nullable=False),
    Column("verdict", String(10), nullable=False),  # label, none or skip
    Column("label_id", _ID, ForeignKey("review_labels.id")),  # with verdict label
    Column("batch", String(32), nullable=False),  # reviews that were given, and are undone, together
    Column("source", String(10), nullable=False),  # card, group or import
    Column("made_s", Float, nullable=False),
    Column("undone_s", Float),
    Index(None, "window_id"),
    Index(None, "label_id"),
    Index(None, "reviewer", "id"),
    Index(None, "batch"),
)

review_claims = Table(
    "review_claims",
    metadata,
    _window(primary_key=True),
    Column("reviewer", String(40), nullable=False),
    Column("until_s", Float, nullable=False),
    Index(None, "reviewer"),
)
