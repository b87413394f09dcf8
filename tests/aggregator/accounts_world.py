"""Users, sessions and tokens over a real store, with cheap hashes and clocks that a test moves."""

from pathlib import Path

from argon2 import PasswordHasher

from aggregator.services.accounts import AccountService
from aggregator.services.audit import AuditService, EntryView
from aggregator.services.passwords import Passwords
from aggregator.services.tokens import TokenService
from aggregator.services.users import UserService
from aggregator.store.database import Database

CHEAP = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
PASSWORD = "correct horse"


class Clock:
    """Stands still."""

    now_s = 1_700_000_000.0

    def __call__(self) -> float:
        return self.now_s


class Door:
    """The services around the door."""

    def __init__(self, database: Database, folder: Path) -> None:
        self.clock = Clock()
        passwords = Passwords(CHEAP)
        self.database = database
        self.accounts = AccountService(database, folder, passwords, clock=self.clock, now=self.clock)
        self.users = UserService(database, passwords, now=self.clock)
        self.tokens = TokenService(database, now=self.clock)
        self.log = AuditService(database, now=self.clock)

    def said(self) -> list[EntryView]:
        """The audit log, the oldest entry first."""
        assert self.log.verify().intact
        return self.log.newest()[::-1]
