"""The dashboard's password."""

from pathlib import Path

import pytest
from argon2 import PasswordHasher

from aggregator.errors import PasswordError, TooManyAttemptsError
from aggregator.services.accounts import AccountService
from aggregator.store.database import Database

CHEAP = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)


class Clock:
    now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def accounts(any_database: Database, tmp_path: Path, clock: Clock) -> AccountService:
    return AccountService(any_database, tmp_path / "data", clock=clock, hasher=CHEAP)


def test_the_first_password_needs_the_setup_code_and_is_set_once(accounts: AccountService) -> None:
    assert not accounts.is_set()
    assert not accounts.verify("correct horse", "1.2.3.4")
    with pytest.raises(PasswordError, match="setup code"):
        accounts.set_first("correct horse", "guess")
    accounts.set_first("correct horse", accounts.setup_code())
    assert accounts.is_set()
    assert accounts.verify("correct horse", "1.2.3.4")
    assert not accounts.verify("wrong horse", "1.2.3.4")
    with pytest.raises(PasswordError, match="set already"):
        accounts.set_first("another one", accounts.setup_code())


def test_a_new_password_ends_every_session(accounts: AccountService) -> None:
    assert accounts.session_version() == ""
    accounts.set("first password")
    before = accounts.session_version()
    accounts.set("second password")
    assert accounts.session_version() != before
    assert accounts.verify("second password", "a")
    assert not accounts.verify("first password", "a")


@pytest.mark.parametrize("password", ["short", "x" * 1001])
def test_passwords_of_odd_length_are_refused(accounts: AccountService, password: str) -> None:
    with pytest.raises(PasswordError, match="8 to 1000"):
        accounts.set(password)


def test_failing_again_and_again_closes_the_door_for_a_while(accounts: AccountService, clock: Clock) -> None:
    accounts.set("first password")
    for _ in range(6):
        assert not accounts.verify("a guess", "mallory")
    with pytest.raises(TooManyAttemptsError, match="try again in"):
        accounts.verify("first password", "mallory")
    assert accounts.verify("first password", "somebody else")
    clock.now_s += 2
    assert accounts.verify("first password", "mallory")


def test_many_clients_together_are_slowed_down_too(accounts: AccountService) -> None:
    accounts.set("first password")
    for number in range(51):
        accounts.verify("x" * 2000, f"client {number}")
    with pytest.raises(TooManyAttemptsError):
        accounts.verify("first password", "one more")


def test_secrets_are_kept_and_private(any_database: Database, tmp_path: Path) -> None:
    one, other = (AccountService(any_database, tmp_path / "data") for _ in range(2))
    assert one.session_secret() == other.session_secret()
    assert len(one.session_secret()) == 32
    assert one.setup_code() == other.setup_code()
    assert [path.stat().st_mode & 0o777 for path in (tmp_path / "data").iterdir()] == [0o600, 0o600]
