"""Tokens by which programs use the JSON API in a user's name: with fewer permissions, and for a time."""

import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from aggregator.domain.roles import Permission, Person, name_key, permissions_of, read_scopes
from aggregator.errors import TokenError, UnknownTokenError, UnknownUserError
from aggregator.services import audit
from aggregator.services.accounts import hash_of, roles_of
from aggregator.store import tokens as store
from aggregator.store import users as user_store
from aggregator.store.database import Database

DAYS: Final = 90
MOST_DAYS: Final = 3650
LONGEST_NAME: Final = 60
MOST_PER_USER: Final = 50
PREFIX: Final = "soundpost_"
"""So that whoever finds one knows what it opens."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenView:
    """A token without its secret."""

    id: int
    name: str
    user: str
    scopes: tuple[Permission, ...]
    made_s: float
    expires_s: float
    expired: bool


class TokenService:
    """Makes tokens and knows them again. Safe for use by many threads and processes."""

    def __init__(self, database: Database, *, now: Callable[[], float] = time.time) -> None:
        self._database = database
        self._now = now

    def make(
        self, user: str, name: str, scopes: Sequence[str], by: str, *, days: int = DAYS
    ) -> tuple[TokenView, str]:
        """A new token and its secret, which nobody can be told again.

        ``TokenError`` says what does not suit; ``UnknownUserError`` if there is no such user.
        """
        name, wanted = _name(name), read_scopes(scopes)
        if not 1 <= days <= MOST_DAYS:
            raise TokenError(f"a token lasts 1 to {MOST_DAYS} days")
        secret, now_s = PREFIX + secrets.token_urlsafe(32), self._now()
        with self._database.write() as connection:
            row = user_store.by_key(connection, name_key(user)) if user.isprintable() else None
            if row is None:
                raise UnknownUserError(f"there is no user {user!r}")
            if refused := [scope for scope in wanted if scope not in permissions_of(roles_of(row))]:
                raise TokenError(f"{row.name} may not {refused[0]}, and so may no token of that user")
            if store.count_of(connection, row.id) >= MOST_PER_USER:
                raise TokenError(f"{row.name} has {MOST_PER_USER} tokens; remove one first")
            made = {
                "user_id": row.id, "name": name, "hash": hash_of(secret), "scopes": " ".join(wanted),
                "made_s": now_s, "expires_s": now_s + days * 86_400.0,
            }  # fmt: skip
            number = store.add(connection, made)
            told = {"user": row.name, "token": number, "name": name, "scopes": " ".join(wanted), "days": days}
            audit.enter(connection, by, "token.add", told, now_s)
            return self._view(store.by_id(connection, number)), secret

    def every(self, user: str | None = None) -> list[TokenView]:
        """All tokens, or those of one user, newest first."""
        key = None if user is None else name_key(user)
        with self._database.read() as connection:
            return [self._view(row) for row in store.every(connection, key)]

    def remove(self, token_id: int, by: str, *, of_user: str | None = None) -> TokenView:
        """End a token at once; ``UnknownTokenError`` if there is none of that number (and user)."""
        with self._database.write() as connection:
            row = store.by_id(connection, token_id) if 0 < token_id < 2**63 else None
            if row is None or (of_user is not None and name_key(row.user) != name_key(of_user)):
                raise UnknownTokenError(f"there is no token {token_id}")
            store.remove(connection, token_id)
            told = {"user": row.user, "token": token_id, "name": row.name}
            audit.enter(connection, by, "token.remove", told, self._now())
        return self._view(row)

    def person(self, secret: str) -> Person | None:
        """In whose name a program comes that shows ``secret``, and what it may; None if it opens nothing."""
        with self._database.read() as connection:
            row = store.shown(connection, hash_of(secret), self._now())
        if row is None:
            return None
        permissions = permissions_of(roles_of(row)) & set(_scopes(row))
        return Person(name=row.name, permissions=permissions, by_token=True)

    def _view(self, row: Any) -> TokenView:
        return TokenView(
            id=row.id, name=row.name, user=row.user, scopes=_scopes(row), made_s=row.made_s,
            expires_s=row.expires_s, expired=row.expires_s <= self._now(),
        )  # fmt: skip


def _scopes(row: Any) -> tuple[Permission, ...]:
    return tuple(scope for scope in Permission if scope in row.scopes.split())


def _name(text: str) -> str:
    name = " ".join(text.split())
    if not name or len(name) > LONGEST_NAME or not name.isprintable():
        raise TokenError(f"a token's name has 1 to {LONGEST_NAME} characters that can be printed")
    return name
