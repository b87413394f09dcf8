"""Rows of the tokens of programs."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, delete, select

from aggregator.store.account_tables import tokens, users

_SHOWN = (
    tokens.c.id, tokens.c.name, users.c.name.label("user"), tokens.c.scopes, tokens.c.made_s,
    tokens.c.expires_s,
)  # fmt: skip


def add(connection: Connection, row: dict[str, Any]) -> int:
    """Enter a token; its number."""
    return int(connection.execute(tokens.insert().values(**row).returning(tokens.c.id)).scalar_one())


def every(connection: Connection, user_key: str | None = None) -> Sequence[Any]:
    """All tokens, or those of one user, newest first."""
    wanted = select(*_SHOWN).join(users, users.c.id == tokens.c.user_id).order_by(tokens.c.id.desc())
    return connection.execute(wanted if user_key is None else wanted.where(users.c.key == user_key)).all()


def by_id(connection: Connection, token_id: int) -> Any | None:
    """One token."""
    wanted = select(*_SHOWN).join(users, users.c.id == tokens.c.user_id).where(tokens.c.id == token_id)
    return connection.execute(wanted).one_or_none()


def count_of(connection: Connection, user_id: int) -> int:
    """How many tokens a user has."""
    return len(connection.execute(select(tokens.c.id).where(tokens.c.user_id == user_id)).all())


def shown(connection: Connection, token_hash: str, now_s: float) -> Any | None:
    """User and scopes of a token that has not expired."""
    both = select(users.c.name, users.c.roles, tokens.c.scopes).join(users, users.c.id == tokens.c.user_id)
    wanted = both.where(tokens.c.hash == token_hash, tokens.c.expires_s > now_s)
    return connection.execute(wanted).one_or_none()


def remove(connection: Connection, token_id: int) -> None:
    """Delete a token."""
    connection.execute(delete(tokens).where(tokens.c.id == token_id))
