"""The door: passwords, attempts, sessions."""

from pathlib import Path

import pytest

from aggregator.domain.roles import Permission, Role, permissions_of
from aggregator.errors import PasswordError, TooManyAttemptsError
from aggregator.services.accounts import SESSION_S, AccountService
from aggregator.store.database import Database
from tests.aggregator.accounts_world import PASSWORD, Clock, Door


@pytest.fixture
def door(any_database: Database, tmp_path: Path) -> Door:
    return Door(any_database, tmp_path / "data")


@pytest.fixture
def accounts(door: Door) -> AccountService:
    return door.accounts


@pytest.fixture
def clock(door: Door) -> Clock:
    return door.clock


def test_the_first_password_needs_the_setup_code_and_is_set_once(accounts: AccountService) -> None:
    assert not accounts.is_set()
    assert accounts.sign_in("admin", PASSWORD, "", "1.2.3.4") is None
    with pytest.raises(PasswordError, match="setup code"):
        accounts.set_first(PASSWORD, "guess")
    accounts.set_first(PASSWORD, accounts.setup_code())
    assert accounts.is_set()
    assert accounts.only_admin()
    assert accounts.sign_in("admin", PASSWORD, "", "1.2.3.4")
    assert accounts.sign_in("admin", "wrong horse", "", "1.2.3.4") is None
    with pytest.raises(PasswordError, match="set already"):
        accounts.set_first("another one", accounts.setup_code())


def test_a_session_knows_its_user_and_what_that_one_may_now(door: Door, accounts: AccountService) -> None:
    accounts.set(PASSWORD)
    door.users.add("Ada", "another one", ["reviewer"], "admin")
    cookie = accounts.sign_in(" ADA ", "another one", "", "a")
    assert cookie is not None
    person = accounts.session(cookie)
    assert person is not None
    assert (person.name, person.permissions) == ("Ada", permissions_of([Role.REVIEWER]))
    door.users.set_roles("Ada", ["viewer"], "admin")
    changed = accounts.session(cookie)
    assert changed is not None
    assert not changed.may(Permission.REVIEW)
    assert accounts.session(cookie + "x") is None


def test_signing_out_ends_the_session_on_the_server(accounts: AccountService) -> None:
    accounts.set(PASSWORD)
    one, other = (accounts.sign_in("admin", PASSWORD, "", "a") for _ in range(2))
    assert one is not None
    assert other is not None
    accounts.sign_out(one)
    assert accounts.session(one) is None
    assert accounts.session(other) is not None
    accounts.sign_out(one)


def test_a_session_runs_out(accounts: AccountService, clock: Clock) -> None:
    accounts.set(PASSWORD)
    cookie = accounts.begin("admin")
    clock.now_s += SESSION_S - 1
    assert accounts.session(cookie)
    clock.now_s += 1
    assert accounts.session(cookie) is None


def test_a_new_password_ends_every_session(accounts: AccountService) -> None:
    accounts.set("first password")
    cookie = accounts.begin("admin")
    accounts.set("second password")
    assert accounts.session(cookie) is None
    assert accounts.verify("admin", "second password", "a")
    assert not accounts.verify("admin", "first password", "a")


def test_the_database_does_not_hold_what_a_cookie_carries(door: Door, accounts: AccountService) -> None:
    accounts.set(PASSWORD)
    cookie = accounts.begin("admin")
    with door.database.read() as connection:
        rows = connection.exec_driver_sql("SELECT * FROM sessions").all()
    assert len(rows) == 1
    assert cookie not in str(rows)


@pytest.mark.parametrize("password", ["short", "x" * 1001, "\ud800" * 10])
def test_odd_passwords_are_refused(accounts: AccountService, password: str) -> None:
    with pytest.raises(PasswordError):
        accounts.set(password)
    accounts.set(PASSWORD)
    assert not accounts.verify("admin", password, "a")


@pytest.mark.parametrize("name", ["", "nobody", "a\x00b", "\ud800", "'; DROP TABLE users; --", "x" * 100_000])
def test_a_name_that_nobody_has_opens_nothing_and_is_not_written_down(door: Door, name: str) -> None:
    door.accounts.set(PASSWORD)
    assert door.accounts.sign_in(name, PASSWORD, "", "a") is None
    last = door.said()[-1]
    assert (last.who, last.action, last.details) == ("somebody", "sign_in.failed", {"client": "a"})


def test_failing_again_and_again_closes_the_door_for_a_while(accounts: AccountService, clock: Clock) -> None:
    accounts.set("first password")
    for _ in range(6):
        assert accounts.sign_in("admin", "a guess", "", "mallory") is None
    with pytest.raises(TooManyAttemptsError, match="try again in"):
        accounts.sign_in("admin", "first password", "", "mallory")
    assert accounts.sign_in("admin", "first password", "", "somebody else")
    clock.now_s += 2
    assert accounts.sign_in("admin", "first password", "", "mallory")


def test_one_user_is_guarded_wherever_guesses_come_from(door: Door, accounts: AccountService) -> None:
    accounts.set("first password")
    door.users.add("Ada", "another one", ["viewer"], "admin")
    for number in range(11):
        accounts.verify("Admin", "a guess", f"client {number}")
    with pytest.raises(TooManyAttemptsError):
        accounts.verify("admin", "first password", "one more")
    assert accounts.verify("Ada", "another one", "one more"), "others are let in"
    door.clock.now_s += 31
    assert accounts.verify("admin", "first password", "one more"), "nobody can lock the owner out for long"


def test_many_clients_together_are_slowed_down_too(accounts: AccountService) -> None:
    accounts.set("first password")
    for number in range(51):
        accounts.verify(f"user {number}", "x" * 2000, f"client {number}")
    with pytest.raises(TooManyAttemptsError):
        accounts.verify("admin", "first password", "one more")


def test_it_is_on_record_who_came_and_who_failed(door: Door) -> None:
    door.accounts.set(PASSWORD)
    cookie = door.accounts.sign_in("admin", PASSWORD, "", "1.2.3.4")
    assert cookie is not None
    door.accounts.sign_in("admin", "guess", "", "5.6.7.8")
    door.accounts.sign_out(cookie)
    told = [(one.who, one.action, one.details) for one in door.said()]
    assert told == [
        ("command line", "user.add", {"user": "admin", "roles": "admin"}),
        ("admin", "sign_in", {"client": "1.2.3.4"}),
        ("admin", "sign_in.failed", {"client": "5.6.7.8"}),
        ("admin", "sign_out", {}),
    ]


def test_secrets_are_kept_and_private(any_database: Database, tmp_path: Path) -> None:
    one, other = (AccountService(any_database, tmp_path / "data") for _ in range(2))
    assert one.session_secret() == other.session_secret()
    assert len(one.session_secret()) == 32
    assert one.setup_code() == other.setup_code()
    assert [path.stat().st_mode & 0o777 for path in (tmp_path / "data").iterdir()] == [0o600, 0o600]
