"""Users: made, changed, removed; their second factor; the tokens of their programs."""

from pathlib import Path

import pyotp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.domain.roles import PERMISSIONS, Permission, Role, name_key, permissions_of, user_name
from aggregator.errors import (
    PasswordError,
    TokenError,
    UnknownTokenError,
    UnknownUserError,
    UserError,
)
from aggregator.services import second_factor
from aggregator.services.tokens import MOST_PER_USER
from aggregator.store.database import Database
from tests.aggregator.accounts_world import PASSWORD, Door

SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"


@pytest.fixture
def door(any_database: Database, tmp_path: Path) -> Door:
    """An administrator, and Ada who reviews."""
    made = Door(any_database, tmp_path / "data")
    made.accounts.set(PASSWORD)
    made.users.add("Ada", PASSWORD, ["reviewer"], "admin")
    return made


def test_users_are_made_listed_and_removed(door: Door) -> None:
    bo = door.users.add("  Bo   K. ", PASSWORD, ["listener", "viewer"], "admin")
    assert (bo.name, bo.roles, bo.made_by, bo.totp) == ("Bo K.", (Role.VIEWER, Role.LISTENER), "admin", False)
    assert [one.name for one in door.users.every()] == ["Ada", "admin", "Bo K."]
    cookie = door.accounts.begin("Bo K.")
    _, secret = door.tokens.make("Bo K.", "stream", ["listen"], "Bo K.")
    assert (door.users.get("bo k.").sessions, door.users.get("bo k.").tokens) == (1, 1)
    door.users.remove("BO K.", "admin")
    assert door.accounts.session(cookie) is None
    assert door.tokens.person(secret) is None
    with pytest.raises(UnknownUserError, match=r"no user 'Bo K\.'"):
        door.users.get("Bo K.")
    actions = [one.action for one in door.said()]
    assert actions == ["user.add", "user.add", "user.add", "token.add", "user.remove"]


@pytest.mark.parametrize(
    ("name", "password", "roles", "says"),
    [
        ("ADA", PASSWORD, ["viewer"], "'ADA' already"),
        ("ＡＤＡ", PASSWORD, ["viewer"], "already"),
        ("", PASSWORD, ["viewer"], "1 to 40 characters"),
        ("x" * 41, PASSWORD, ["viewer"], "1 to 40 characters"),
        ("a\x00b", PASSWORD, ["viewer"], "1 to 40 characters"),
        ("..", PASSWORD, ["viewer"], "begins with a letter"),
        ("a/b", PASSWORD, ["viewer"], "no /"),
        ("Bo", "short", ["viewer"], "8 to 1000"),
        ("Bo", PASSWORD, [], "needs a role"),
        ("Bo", PASSWORD, ["root"], "no role 'root'"),
    ],
)
def test_odd_users_are_refused(door: Door, name: str, password: str, roles: list[str], says: str) -> None:
    with pytest.raises((UserError, PasswordError), match=says):
        door.users.add(name, password, roles, "admin")
    assert len(door.users.every()) == 2


@given(st.text(max_size=60))
def test_a_name_is_refused_or_stays_as_it_is(text: str) -> None:
    try:
        name = user_name(text)
    except UserError:
        return
    assert user_name(name) == name
    assert name_key(name) == name_key(text)
    assert "/" not in name


def test_the_last_administrator_cannot_go(door: Door) -> None:
    with pytest.raises(UserError, match="only administrator"):
        door.users.remove("admin", "admin")
    with pytest.raises(UserError, match="only administrator"):
        door.users.set_roles("admin", ["viewer"], "admin")
    door.users.set_roles("Ada", ["admin"], "admin")
    door.users.remove("admin", "Ada")
    assert [one.name for one in door.users.every()] == ["Ada"]


def test_a_new_password_ends_the_other_sessions(door: Door) -> None:
    mine, other, admins = door.accounts.begin("Ada"), door.accounts.begin("Ada"), door.accounts.begin("admin")
    door.users.set_password("Ada", "a new password", "Ada", session=mine)
    assert [door.accounts.session(one) is not None for one in (mine, other, admins)] == [True, False, True]
    assert door.accounts.verify("Ada", "a new password", "a")
    door.users.end_sessions("Ada", "Ada")
    assert door.accounts.session(mine) is None


def test_a_second_factor_counts_after_its_first_code_and_each_code_once(door: Door) -> None:
    begun = door.users.begin_totp("Ada")
    assert door.accounts.sign_in("Ada", PASSWORD, "", "a"), "it does not count yet"
    assert door.users.begun_totp("Ada") == begun
    app = pyotp.TOTP(begun.secret)
    with pytest.raises(PasswordError, match="not the code"):
        door.users.confirm_totp("Ada", "000000", "Ada")
    first = app.at(door.clock.now_s)
    door.users.confirm_totp("Ada", f" {first[:3]} {first[3:]} ", "Ada")
    assert door.accounts.asks_for_codes()
    assert door.users.begun_totp("Ada") is None
    with pytest.raises(UserError, match="already"):
        door.users.begin_totp("Ada")
    assert door.accounts.sign_in("Ada", PASSWORD, first, "a") is None, "a code that was seen opens nothing"
    door.clock.now_s += second_factor.STEP_S
    assert door.accounts.sign_in("Ada", PASSWORD, "", "b") is None
    second = app.at(door.clock.now_s)
    assert door.accounts.sign_in("Ada", "wrong horse", second, "c") is None
    assert door.accounts.sign_in("Ada", PASSWORD, second, "d")
    assert door.accounts.sign_in("Ada", PASSWORD, second, "e") is None
    door.users.end_totp("Ada", "admin")
    assert door.accounts.sign_in("Ada", PASSWORD, "", "f")


@given(st.integers(0, 2**33), st.integers(-4, 4))
def test_codes_of_now_and_of_its_neighbours_are_taken(now_s: int, steps: int) -> None:
    step = now_s // second_factor.STEP_S + steps
    if step < 0:
        return
    code = pyotp.TOTP(SECRET).at(step * second_factor.STEP_S)
    found = second_factor.step_of(SECRET, code, now_s)
    if abs(steps) <= 1:
        assert found is not None
    elif found is not None:
        assert pyotp.TOTP(SECRET).at(found * second_factor.STEP_S) == code, "two steps share a code"


@given(st.text(max_size=12))
def test_no_text_breaks_the_door(code: str) -> None:
    second_factor.step_of(SECRET, code, 59.0)


def test_a_token_opens_what_it_names_while_its_user_may_and_it_lasts(door: Door) -> None:
    made, secret = door.tokens.make("ada", "  the   script ", ["review", "see"], "Ada", days=2)
    assert (made.user, made.name, made.scopes) == ("Ada", "the script", (Permission.SEE, Permission.REVIEW))
    person = door.tokens.person(secret)
    assert person is not None
    assert person.by_token
    assert (person.name, person.permissions) == ("Ada", {Permission.SEE, Permission.REVIEW})
    door.users.set_roles("Ada", ["viewer"], "admin")
    weaker = door.tokens.person(secret)
    assert weaker is not None
    assert weaker.permissions == {Permission.SEE}
    door.clock.now_s += 2 * 86_400 - 1
    assert door.tokens.person(secret)
    door.clock.now_s += 1
    assert door.tokens.person(secret) is None
    assert [one.expired for one in door.tokens.every("Ada")] == [True]


def test_the_database_does_not_hold_the_secret(door: Door) -> None:
    _, secret = door.tokens.make("Ada", "script", ["see"], "Ada")
    with door.database.read() as connection:
        rows = connection.exec_driver_sql("SELECT * FROM tokens").all()
    assert secret not in str(rows)
    assert secret.removeprefix("soundpost_") not in str(rows)
    assert secret not in str(door.said())


def test_a_token_ends_when_it_is_removed_by_its_user_or_an_administrator(door: Door) -> None:
    made, secret = door.tokens.make("Ada", "script", ["see"], "Ada")
    with pytest.raises(UnknownTokenError):
        door.tokens.remove(made.id, "Bo", of_user="Bo")
    with pytest.raises(UnknownTokenError):
        door.tokens.remove(2**70, "admin")
    door.tokens.remove(made.id, "Ada", of_user="ada")
    assert door.tokens.person(secret) is None
    assert door.tokens.every() == []


@pytest.mark.parametrize(
    ("user", "name", "scopes", "days", "says"),
    [
        ("Ada", "", ["see"], 1, "a token's name"),
        ("Ada", "x" * 61, ["see"], 1, "a token's name"),
        ("Ada", "x", [], 1, "needs a scope"),
        ("Ada", "x", ["root"], 1, "no scope 'root'"),
        ("Ada", "x", ["see", "users"], 1, "Ada may not users"),
        ("Ada", "x", ["see"], 0, "1 to 3650 days"),
        ("Ada", "x", ["see"], 3651, "1 to 3650 days"),
        ("Bo", "x", ["see"], 1, "no user 'Bo'"),
    ],
)
def test_odd_tokens_are_refused(
    door: Door, user: str, name: str, scopes: list[str], days: int, says: str
) -> None:
    with pytest.raises((TokenError, UnknownUserError), match=says):
        door.tokens.make(user, name, scopes, "Ada", days=days)


def test_a_user_has_so_many_tokens_and_no_more(door: Door) -> None:
    for number in range(MOST_PER_USER):
        door.tokens.make("Ada", str(number), ["see"], "Ada")
    with pytest.raises(TokenError, match="remove one first"):
        door.tokens.make("Ada", "one more", ["see"], "Ada")


def test_only_administrators_make_users_and_everybody_sees() -> None:
    assert set(PERMISSIONS) == set(Role)
    for role in Role:
        assert Permission.SEE in PERMISSIONS[role]
        assert (Permission.USERS in PERMISSIONS[role]) == (role is Role.ADMIN)
    assert permissions_of(Role) == set(Permission)
    assert permissions_of([]) == set()
