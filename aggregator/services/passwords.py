"""Passwords as argon2 hashes, which take time and memory: nobody may ask for many at once."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import BoundedSemaphore
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError

from aggregator.errors import PasswordError

SHORTEST: Final = 8
LONGEST: Final = 1000
AT_ONCE: Final = 2


class Passwords:
    """Makes and compares hashes. Safe for use by many threads."""

    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        self._hasher = hasher or PasswordHasher()
        self._seats = BoundedSemaphore(AT_ONCE)
        self._of_nobody = ""

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Wait until there is room for the work of comparing one password."""
        with self._seats:
            yield

    def hash(self, password: str) -> str:
        """``PasswordError`` if it is too short or too long."""
        if not SHORTEST <= len(password) <= LONGEST:
            raise PasswordError(f"a password has {SHORTEST} to {LONGEST} characters")
        try:
            with self._seats:
                return self._hasher.hash(password)
        except UnicodeError as error:
            raise PasswordError("a password is of characters that UTF-8 knows") from error

    def right(self, password_hash: str | None, password: str) -> bool:
        """Whether a password has that hash, within one's ``turn``.

        Where there is no hash it takes as long, so that nobody learns which names are known.
        """
        if len(password) > LONGEST:
            return False
        try:
            return self._hasher.verify(password_hash or self._nobody(), password) and bool(password_hash)
        except (Argon2Error, InvalidHashError, UnicodeError):
            return False

    def _nobody(self) -> str:
        self._of_nobody = self._of_nobody or self._hasher.hash("nobody has this password")
        return self._of_nobody
