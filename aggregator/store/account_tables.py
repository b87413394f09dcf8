"""The tables of users, of the sessions that they are signed in by, and of the tokens of their programs."""

from sqlalchemy import BigInteger, Boolean, Column, Float, ForeignKey, String, Table

from aggregator.store.tables import _ID, _table, metadata

__all__ = ["metadata", "sessions", "tokens", "users"]

users = _table(
    "users",
    Column("name", String(40), nullable=False),
    Column("key", String(160), nullable=False, unique=True),  # see domain.roles.name_key
    Column("roles", String(80), nullable=False),  # words of domain.roles.Role
    Column("password_hash", String(200), nullable=False),
    Column("totp_secret", String(64)),
    Column("totp_on", Boolean, nullable=False),  # false until the first code was right
    Column("totp_step", BigInteger, nullable=False),  # of the last code: none opens twice
    Column("made_s", Float, nullable=False),
    Column("made_by", String(100), nullable=False),
)


def _user() -> Column[object]:
    return Column("user_id", _ID, ForeignKey("users.id"), nullable=False, index=True)


sessions = Table(
    "sessions",
    metadata,
    Column("hash", String(64), primary_key=True),  # of what the cookie carries
    _user(),
    Column("begun_s", Float, nullable=False),
    Column("ends_s", Float, nullable=False, index=True),
)

tokens = _table(
    "tokens",
    _user(),
    Column("name", String(60), nullable=False),
    Column("hash", String(64), nullable=False, unique=True),
    Column("scopes", String(200), nullable=False),  # words of domain.roles.Permission
    Column("made_s", Float, nullable=False),
    Column("expires_s", Float, nullable=False),
)
