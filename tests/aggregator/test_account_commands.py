"""``aggregator user`` and ``aggregator token`` as a person, or a script, meets them."""

import io
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from time import time
from typing import Any

import pyotp
import pytest

from aggregator import bootstrap
from aggregator.__main__ import main
from aggregator.services.catalogue import Services
from aggregator.settings import Settings, Store

PASSWORD = "correct horse"


@pytest.fixture
def services(tmp_path: Path) -> Iterator[Services]:
    settings = Settings(store=Store(folder=str(tmp_path)))
    opened = bootstrap.database(settings, migrate=True)
    made = bootstrap.services(settings, opened)
    yield made
    made.live.close()
    opened.close()


Run = Callable[..., Any]


@pytest.fixture
def run(
    services: Services, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Run:
    """The JSON that a command prints, or what it says where it fails."""

    def do(*words: str, typed: str = "") -> Any:
        monkeypatch.setattr("sys.stdin", io.StringIO(typed))
        status = main([*words, "--json", "--store-folder", str(tmp_path)])
        told = capsys.readouterr()
        return json.loads(told.out) if status == 0 else told.err

    return do


def test_users_come_change_and_go(run: Run, services: Services) -> None:
    made = run("user", "add", "Ada", "--role", "reviewer", "--role", "listener", typed=f"{PASSWORD}\n")
    assert (made["name"], made["roles"]) == ("Ada", ["reviewer", "listener"])
    assert services.accounts.verify("Ada", PASSWORD, "a")
    assert run("user", "role", "ada", "admin")["roles"] == ["admin"]
    cookie = services.accounts.begin("Ada")
    assert run("user", "password", "Ada", typed="another one\n")["sessions"] == 0
    assert services.accounts.session(cookie) is None
    assert "only administrator" in run("user", "remove", "Ada")
    assert run("user", "add", "Bo", "--role", "viewer", typed=f"{PASSWORD}\n")["made_by"]
    assert [one["name"] for one in run("user", "list")] == ["Ada", "Bo"]
    assert run("user", "remove", "Bo")["name"] == "Bo"
    assert "no user 'Bo'" in run("user", "remove", "Bo")
    assert "8 to 1000" in run("user", "add", "Cy", "--role", "viewer", typed="tiny\n")


def test_a_second_factor_is_read_from_the_terminal(
    services: Services, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    services.users.add("Ada", PASSWORD, ["viewer"], "a test")

    class App:
        """Reads what is on the terminal, and types its code."""

        def isatty(self) -> bool:
            return False

        def readline(self) -> str:
            begun = services.users.begun_totp("Ada")
            assert begun is not None
            assert begun.secret in capsys.readouterr().out
            return pyotp.TOTP(begun.secret).at(time()) + "\n"

    monkeypatch.setattr("sys.stdin", App())
    where = ["--store-folder", str(tmp_path)]
    assert main(["user", "totp", "Ada", "on", *where]) == 0
    assert "signs in with codes" in capsys.readouterr().out
    assert services.users.get("Ada").totp
    assert main(["user", "totp", "Ada", "off", *where]) == 0
    assert not services.users.get("Ada").totp


def test_tokens_are_shown_once_listed_and_ended(run: Run, services: Services) -> None:
    services.users.add("Ada", PASSWORD, ["operator"], "a test")
    words = ["--user", "Ada", "--scope", "see", "--scope", "export", "--days", "3"]
    made = run("token", "add", "night export", *words)
    person = services.tokens.person(made["secret"])
    assert person is not None
    assert (person.name, sorted(person.permissions)) == ("Ada", ["export", "see"])
    (listed,) = run("token", "list", "--user", "Ada")
    assert (listed["id"], "secret" in listed) == (made["id"], False)
    assert "may not listen" in run("token", "add", "x", "--user", "Ada", "--scope", "listen")
    assert run("token", "remove", str(made["id"]))["name"] == "night export"
    assert services.tokens.person(made["secret"]) is None
    assert "no token 99" in run("token", "remove", "99")


def test_people_are_told_in_words(
    services: Services, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    services.users.add("Ada", PASSWORD, ["operator"], "a test")
    where = ["--store-folder", str(tmp_path)]
    said = {}
    for words in (
        ["user", "list"], ["user", "role", "Ada", "viewer"],
        ["token", "add", "x", "--user", "Ada", "--scope", "see"], ["token", "list"], ["token", "remove", "1"],
    ):  # fmt: skip
        main([*words, *where])
        said[" ".join(words[:2])] = capsys.readouterr().out
    assert "Ada" in said["user list"]
    assert said["user role"] == "Ada is viewer from now on\n"
    assert "soundpost_" in said["token add"]
    assert "soundpost_" not in said["token list"] + said["token remove"]
