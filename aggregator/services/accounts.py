"""Who may sign in: one password, set on first start."""

import hmac
import secrets
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError

from aggregator.domain.attempts import Attempts
from aggregator.errors import PasswordError, TooManyAttemptsError
from aggregator.services.secret_files import read_or_make
from aggregator.store import accounts as store
from aggregator.store.database import Database

SHORTEST: Final = 8
LONGEST: Final = 1000
"""Hashing takes time by length: nobody may make it take for ever."""

EVERYBODY: Final = ""


class AccountService:
    """Keeps the password's hash in the database, the session secret and the setup code in the data folder.

    Safe for use by many threads; failed attempts are counted per process.
    """

    def __init__(
        self,
        database: Database,
        folder: Path,
        *,
        clock: Callable[[], float] = time.monotonic,
        hasher: PasswordHasher | None = None,
    ) -> None:
        self._database = database
        self._folder = folder
        self._hasher = hasher or PasswordHasher()
        self._attempts = Attempts(free=5, clock=clock)
        # A whole network may try from many addresses, so all failures together count as well; but not for
        # long, or anybody could lock the owner out.
        self._all_attempts = Attempts(free=50, clock=clock, longest_wait_s=10.0)

    def is_set(self) -> bool:
        """Whether a password has been chosen."""
        with self._database.read() as connection:
            return store.password(connection) is not None

    def setup_code(self) -> str:
        """The code that whoever sets the first password must know.

        It is written to the log on first start as a link (``/setup?code=...``) and lies in the data folder,
        readable by the owner alone.
        """
        return read_or_make(self._folder / "setup.code", 8)

    def set_first(self, password: str, code: str) -> None:
        """Choose the password, once.

        ``PasswordError`` if the code is wrong, the password too weak, or one is set.
        """
        if not hmac.compare_digest(code.strip().encode(), self.setup_code().encode()):
            raise PasswordError("the setup code is wrong: it stands in the log and in the data folder")
        with self._database.write() as connection:
            if not store.choose(connection, self._hash(password), secrets.token_hex(8)):
                raise PasswordError("a password is set already; `aggregator password` changes it")

    def set(self, password: str) -> None:
        """Choose the password anew; every session ends. ``PasswordError`` if it is too weak."""
        hashed = self._hash(password)
        with self._database.write() as connection:
            store.change(connection, hashed, secrets.token_hex(8))

    def verify(self, password: str, client: str) -> bool:
        """Whether the password is right.

        ``TooManyAttemptsError`` after repeated failures of ``client`` (its address) or of everybody.
        """
        wait_s = max(self._attempts.wait_s(client), self._all_attempts.wait_s(EVERYBODY))
        if wait_s > 0:
            raise TooManyAttemptsError(wait_s)
        with self._database.read() as connection:
            row = store.password(connection)
        if row is not None and len(password) <= LONGEST and self._right(row.password_hash, password):
            self._attempts.succeed(client)
            return True
        self._attempts.fail(client)
        self._all_attempts.fail(EVERYBODY)
        return False

    def session_secret(self) -> bytes:
        """The key that signs sessions; made on first use, readable by the owner alone."""
        return bytes.fromhex(read_or_make(self._folder / "session.key", 32))

    def session_version(self) -> str:
        """Changes with the password: a session that carries another one has ended. Empty without one."""
        with self._database.read() as connection:
            row = store.password(connection)
        return "" if row is None else str(row.version)

    def _hash(self, password: str) -> str:
        if not SHORTEST <= len(password) <= LONGEST:
            raise PasswordError(f"a password has {SHORTEST} to {LONGEST} characters")
        return self._hasher.hash(password)

    def _right(self, password_hash: str, password: str) -> bool:
        try:
            return self._hasher.verify(password_hash, password)
        except (Argon2Error, InvalidHashError):
            return False
