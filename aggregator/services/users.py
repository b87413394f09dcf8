"""Users: who they are, what roles they have, and their second factor."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from aggregator.domain.roles import Permission, Role, name_key, permissions_of, read_roles, user_name
from aggregator.errors import PasswordError, UnknownUserError, UserError
from aggregator.services import audit, second_factor
from aggregator.services.accounts import hash_of, roles_of, user_row
from aggregator.services.passwords import Passwords
from aggregator.store import tokens as token_store
from aggregator.store import users as store
from aggregator.store.database import Database


@dataclass(frozen=True, slots=True, kw_only=True)
class UserView:
    """A user, for people and programs."""

    name: str
    roles: tuple[Role, ...]
    totp: bool
    """Whether signing in asks for a code."""
    made_s: float
    made_by: str
    sessions: int
    tokens: int

    @property
    def permissions(self) -> frozenset[Permission]:
        """What the roles give."""
        return permissions_of(self.roles)


@dataclass(frozen=True, slots=True, kw_only=True)
class Enrolment:
    """A second factor that counts as soon as its first code was right."""

    secret: str
    uri: str
    picture: str
    """SVG."""


class UserService:
    """Changes users; each change is in the audit log. Safe for use by many threads and processes."""

    def __init__(
        self, database: Database, passwords: Passwords | None = None, *, now: Callable[[], float] = time.time
    ) -> None:
        self._database = database
        self._passwords = passwords or Passwords()
        self._now = now

    def every(self) -> list[UserView]:
        """All users by name."""
        with self._database.read() as connection:
            return [self._view(connection, row) for row in store.every(connection)]

    def get(self, name: str) -> UserView:
        """One user; ``UnknownUserError`` if there is none of that name."""
        with self._database.read() as connection:
            return self._view(connection, _known(connection, name))

    def add(self, name: str, password: str, roles: Sequence[str], by: str) -> UserView:
        """Make a user; ``UserError`` or ``PasswordError`` says what does not suit."""
        name, chosen = user_name(name), read_roles(roles)
        row = user_row(name, chosen, self._passwords.hash(password), by, self._now())
        with self._database.write() as connection:
            if store.add(connection, row) is None:
                raise UserError(f"there is a user {name!r} already")
            self._note(connection, by, "user.add", name, roles=row["roles"])
            return self._view(connection, _known(connection, name))

    def set_roles(self, name: str, roles: Sequence[str], by: str) -> UserView:
        """Give a user these roles and no others, at once; ``UserError`` if no administrator would be left."""
        chosen = read_roles(roles)
        with self._database.write() as connection:
            store.lock(connection)
            row = _known(connection, name)
            if Role.ADMIN not in chosen:
                _keep_an_admin(connection, row)
            store.change(connection, row.id, roles=" ".join(chosen))
            self._note(connection, by, "user.roles", row.name, roles=" ".join(chosen), before=row.roles)
            return self._view(connection, _known(connection, name))

    def remove(self, name: str, by: str) -> None:
        """Delete a user, whose sessions and tokens end at once; what was done in that name stays.

        ``UserError`` if no administrator would be left.
        """
        with self._database.write() as connection:
            store.lock(connection)
            row = _known(connection, name)
            _keep_an_admin(connection, row)
            store.remove(connection, row.id)
            self._note(connection, by, "user.remove", row.name)

    def set_password(self, name: str, password: str, by: str, *, session: str = "") -> None:
        """Choose a user's password anew; every session of that user ends, but ``session``."""
        hashed = self._passwords.hash(password)
        with self._database.write() as connection:
            row = _known(connection, name)
            store.change(connection, row.id, password_hash=hashed)
            store.end_sessions(connection, row.id, hash_of(session))
            self._note(connection, by, "user.password", row.name)

    def end_sessions(self, name: str, by: str) -> None:
        """Sign a user out everywhere."""
        with self._database.write() as connection:
            row = _known(connection, name)
            store.end_sessions(connection, row.id)
            self._note(connection, by, "user.sign_out", row.name)

    def begin_totp(self, name: str) -> Enrolment:
        """A new second factor, which does not count yet; ``UserError`` if one counts."""
        with self._database.write() as connection:
            row = _known(connection, name)
            if row.totp_on:
                raise UserError(f"{row.name} signs in with codes already; end that first")
            secret = second_factor.new_secret()
            store.change(connection, row.id, totp_secret=secret)
        return _enrolment(row.name, secret)

    def begun_totp(self, name: str) -> Enrolment | None:
        """The second factor that waits for its first code."""
        with self._database.read() as connection:
            row = _known(connection, name)
        return None if row.totp_on or row.totp_secret is None else _enrolment(row.name, row.totp_secret)

    def confirm_totp(self, name: str, code: str, by: str) -> None:
        """Let the second factor count from now on; ``PasswordError`` if ``code`` is not one of its codes."""
        with self._database.write() as connection:
            row = _known(connection, name)
            if row.totp_on or row.totp_secret is None:
                raise UserError(f"{row.name} has begun no second factor")
            step = second_factor.step_of(row.totp_secret, code, self._now())
            if step is None:
                raise PasswordError("that is not the code that the app shows now; is the clock right?")
            store.change(connection, row.id, totp_on=True, totp_step=step)
            self._note(connection, by, "user.totp", row.name, on=True)

    def end_totp(self, name: str, by: str) -> None:
        """Let a user sign in without codes."""
        with self._database.write() as connection:
            row = _known(connection, name)
            store.change(connection, row.id, totp_on=False, totp_secret=None)
            self._note(connection, by, "user.totp", row.name, on=False)

    def _view(self, connection: Connection, row: Any) -> UserView:
        return UserView(
            name=row.name, roles=roles_of(row), totp=row.totp_on, made_s=row.made_s, made_by=row.made_by,
            sessions=store.count_sessions(connection, row.id, self._now()),
            tokens=token_store.count_of(connection, row.id),
        )  # fmt: skip

    def _note(self, connection: Connection, by: str, action: str, name: str, **more: object) -> None:
        audit.enter(connection, by, action, {"user": name, **more}, self._now())


def _known(connection: Connection, name: str) -> Any:
    row = store.by_key(connection, name_key(name)) if name.isprintable() else None
    if row is None:
        raise UnknownUserError(f"there is no user {name!r}")
    return row


def _keep_an_admin(connection: Connection, but: Any) -> None:
    """``UserError`` if ``but`` is the only administrator."""
    admins = [row.id for row in store.every(connection) if Role.ADMIN in roles_of(row)]
    if admins == [but.id]:
        raise UserError(f"{but.name} is the only administrator: make another one first")


def _enrolment(name: str, secret: str) -> Enrolment:
    uri = second_factor.address(secret, name)
    return Enrolment(secret=secret, uri=uri, picture=second_factor.picture(uri))
