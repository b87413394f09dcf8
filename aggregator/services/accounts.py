"""Who may sign in: one password, set on first start."""

from pathlib import Path

from sqlalchemy import Engine


class AccountService:
    """Keeps the password's hash in the database, the session secret and the setup code in the data folder."""

    def __init__(self, engine: Engine, folder: Path) -> None:
        self._engine = engine
        self._folder = folder

    def is_set(self) -> bool:
        """Whether a password has been chosen."""
        raise NotImplementedError

    def setup_code(self) -> str:
        """The code that whoever sets the first password must know; it is written to the log on first start
        as a link (``/setup?code=...``) and lies in the data folder, readable by the owner alone."""
        raise NotImplementedError

    def set_first(self, password: str, code: str) -> None:
        """Choose the password, once. ``PasswordError`` if the code is wrong, the password is set or too weak."""
        raise NotImplementedError

    def set(self, password: str) -> None:
        """Choose the password anew; every session ends. ``PasswordError`` if it is too weak (< 8 characters)."""
        raise NotImplementedError

    def verify(self, password: str, client: str) -> bool:
        """Whether the password is right. ``TooManyAttemptsError`` after repeated failures of ``client``
        (its address) or of everybody."""
        raise NotImplementedError

    def session_secret(self) -> bytes:
        """The key that signs sessions; made on first use, readable by the owner alone."""
        raise NotImplementedError

    def session_version(self) -> str:
        """Changes with the password: a session that carries another one has ended. Cheap to ask."""
        raise NotImplementedError
