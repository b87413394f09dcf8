"""The tables of joining: who was invited, and which certificates were given out."""

from sqlalchemy import Column, Float, Index, Integer, LargeBinary, String, Text

from aggregator.store.rollout_tables import metadata
from aggregator.store.tables import _table

__all__ = ["certificates", "invitations", "metadata"]

# By name, not by a row of ``nodes``: those are made when a node is heard, and none of these has been yet.
invitations = _table(
    "invitations",
    Column("node", String(64), nullable=False, index=True),
    Column("site", String(100), nullable=False),
    Column("tags", Text, nullable=False),  # JSON
    Column("digest", String(64), nullable=False, unique=True),  # of the token's secret, which is not kept
    Column("who", String(100), nullable=False),
    Column("created_s", Float, nullable=False),
    Column("expires_s", Float, nullable=False),
    Column("ended_s", Float),  # when it was used, or taken back
    Column("serial", String(40)),  # of the certificate that it was used for
)

certificates = _table(
    "certificates",
    Column("node", String(64), nullable=False, index=True),
    Column("generation", Integer, nullable=False),
    Column("serial", String(40), nullable=False, unique=True),
    Column("key_digest", String(64), nullable=False),
    Column("content", LargeBinary, nullable=False),  # DER
    Column("issued_s", Float, nullable=False),
    Column("not_before_s", Float, nullable=False),
    Column("not_after_s", Float, nullable=False),
    Column("confirmed_s", Float),
    Column("revoked_s", Float),
    Column("reason", String(200), nullable=False),
    Index(None, "node", "key_digest"),
)
