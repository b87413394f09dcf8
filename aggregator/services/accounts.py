"""The door of the dashboard: who signs in, and until when."""

import hashlib
import hmac
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection

from aggregator.domain.attempts import Attempts
from aggregator.domain.roles import ADMIN, LONGEST_KEY, Person, Role, name_key, permissions_of, user_name
from aggregator.errors import PasswordError, TooManyAttemptsError, UserError
from aggregator.services import audit, second_factor
from aggregator.services.passwords import Passwords
from aggregator.services.secret_files import read_or_make
from aggregator.store import users as store
from aggregator.store.database import Database

SESSION_S: Final = 30 * 86_400.0
EVERYBODY: Final = ""
SOMEBODY: Final = "somebody"
"""Who fails to sign in with a name that nobody has: it may be a password in the wrong field."""


class AccountService:
    """Keeps sessions in the database, the session secret and the setup code in the data folder.

    Safe for use by many threads; failed attempts are counted per process.
    """

    def __init__(
        self,
        database: Database,
        folder: Path,
        passwords: Passwords | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._database = database
        self._folder = folder
        self._passwords = passwords or Passwords()
        self._now = now
        self._of_clients = Attempts(free=5, clock=clock)
        # A network may try from many addresses: failures for one user count wherever they come from, and all
        # together; but neither for long, or anybody could lock others out.
        self._of_users = Attempts(free=10, clock=clock, longest_wait_s=30.0)
        self._of_all = Attempts(free=50, clock=clock, longest_wait_s=10.0)

    def is_set(self) -> bool:
        """Whether there is a user."""
        with self._database.read() as connection:
            return store.any_there(connection)

    def setup_code(self) -> str:
        """The code that whoever sets the first password must know.

        It is written to the log on first start as a link (``/setup?code=...``) and lies in the data folder,
        readable by the owner alone.
        """
        return read_or_make(self._folder / "setup.code", 8)

    def set_first(self, password: str, code: str) -> None:
        """Make the user ``admin``, once.

        ``PasswordError`` if the code is wrong, the password too weak, or there is a user.
        """
        if not hmac.compare_digest(code.strip().encode(), self.setup_code().encode()):
            raise PasswordError("the setup code is wrong: it stands in the log and in the data folder")
        hashed = self._passwords.hash(password)
        with self._database.write() as connection:
            store.lock(connection)
            if store.any_there(connection):
                raise PasswordError("a password is set already; `aggregator password` changes it")
            self._add_admin(connection, hashed, "setup")

    def set(self, password: str, by: str = "command line") -> None:
        """Choose the password of ``admin``, who is made if need be; every session of that user ends.

        ``PasswordError`` if it is too weak.
        """
        hashed = self._passwords.hash(password)
        with self._database.write() as connection:
            store.lock(connection)
            row = store.by_key(connection, ADMIN)
            if row is None:
                self._add_admin(connection, hashed, by)
                return
            store.change(connection, row.id, password_hash=hashed)
            store.end_sessions(connection, row.id)
            audit.enter(connection, by, "user.password", {"user": row.name}, self._now())

    def verify(self, name: str, password: str, client: str) -> bool:
        """Whether that is the password of the user ``name``.

        ``TooManyAttemptsError`` after repeated failures of ``client`` (its address), for the user, or of all.
        """
        with self._attempt(name, client) as (row, failed):
            right = self._passwords.right(row and row.password_hash, password)
            if not right:
                failed()
            return right

    def sign_in(self, name: str, password: str, code: str, client: str) -> str | None:
        """What the cookie of a new session carries; None if name, password and code do not belong together.

        ``TooManyAttemptsError`` as ``verify`` raises it.
        """
        with self._attempt(name, client) as (row, failed):
            if self._passwords.right(row and row.password_hash, password) and row is not None:
                with self._database.write() as connection:
                    if self._code_right(connection, row, code):
                        audit.enter(connection, row.name, "sign_in", {"client": client}, self._now())
                        return self._begin(connection, row.id)
            failed()
            with self._database.write() as connection:
                who = SOMEBODY if row is None else row.name
                audit.enter(connection, who, "sign_in.failed", {"client": client}, self._now())
        return None

    def begin(self, name: str) -> str:
        """What the cookie of a new session of a user carries who needs not sign in; ``UserError`` if none."""
        with self._database.write() as connection:
            row = store.by_key(connection, name_key(name))
            if row is None:
                raise UserError(f"there is no user {name!r}")
            return self._begin(connection, row.id)

    def session(self, cookie: str) -> Person | None:
        """Whose session it is; None if it has ended."""
        with self._database.read() as connection:
            row = store.of_session(connection, hash_of(cookie), self._now())
        return None if row is None else Person(name=row.name, permissions=permissions_of(roles_of(row)))

    def sign_out(self, cookie: str) -> None:
        """End a session."""
        with self._database.write() as connection:
            row = store.of_session(connection, hash_of(cookie), self._now())
            store.end_session(connection, hash_of(cookie))
            if row is not None:
                audit.enter(connection, row.name, "sign_out", {}, self._now())

    def asks_for_codes(self) -> bool:
        """Whether somebody signs in with a code."""
        with self._database.read() as connection:
            return any(row.totp_on for row in store.every(connection))

    def only_admin(self) -> bool:
        """Whether nobody but ``admin`` could sign in."""
        with self._database.read() as connection:
            return [row.key for row in store.every(connection)] == [ADMIN]

    def session_secret(self) -> bytes:
        """The key that signs cookies; made on first use, readable by the owner alone."""
        return bytes.fromhex(read_or_make(self._folder / "session.key", 32))

    @contextmanager
    def _attempt(self, name: str, client: str) -> Iterator[tuple[Any, Callable[[], None]]]:
        """The row of the user, and what to call when the attempt fails; else it has succeeded."""
        key = name_key(name)[:LONGEST_KEY]  # what is counted must not fill the memory
        failures: list[None] = []
        with self._passwords.turn():
            wait_s = max(
                self._of_clients.wait_s(client), self._of_users.wait_s(key), self._of_all.wait_s(EVERYBODY)
            )
            if wait_s > 0:
                raise TooManyAttemptsError(wait_s)
            with self._database.read() as connection:
                row = store.by_key(connection, key) if _may_be_a_name(name) else None
            yield row, lambda: failures.append(None)
            if failures:
                self._of_clients.fail(client)
                self._of_users.fail(key)
                self._of_all.fail(EVERYBODY)
            else:
                self._of_clients.succeed(client)
                self._of_users.succeed(key)

    def _code_right(self, connection: Connection, row: Any, code: str) -> bool:
        if not row.totp_on:
            return True
        step = second_factor.step_of(row.totp_secret, code, self._now())
        return step is not None and store.use_code(connection, row.id, step)

    def _begin(self, connection: Connection, user_id: int) -> str:
        cookie, now_s = secrets.token_urlsafe(32), self._now()
        row = {"hash": hash_of(cookie), "user_id": user_id, "begun_s": now_s, "ends_s": now_s + SESSION_S}
        store.begin_session(connection, row)
        return cookie

    def _add_admin(self, connection: Connection, hashed: str, by: str) -> None:
        row = user_row(ADMIN, (Role.ADMIN,), hashed, by, self._now())
        store.add(connection, row)
        audit.enter(connection, by, "user.add", {"user": ADMIN, "roles": row["roles"]}, self._now())


def hash_of(secret: str) -> str:
    """What is kept of a long random secret: whoever reads the database cannot use it."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def roles_of(row: Any) -> tuple[Role, ...]:
    """The roles in a row of a user; a word that this program does not know gives nothing."""
    return tuple(role for role in Role if role in row.roles.split())


def user_row(name: str, roles: tuple[Role, ...], hashed: str, by: str, now_s: float) -> dict[str, Any]:
    """The row of a new user."""
    return {
        "name": name, "key": name_key(name), "roles": " ".join(roles), "password_hash": hashed,
        "totp_on": False, "totp_step": 0, "made_s": now_s, "made_by": by,
    }  # fmt: skip


def _may_be_a_name(name: str) -> bool:
    try:
        return bool(user_name(name))
    except UserError:
        return False
