"""The pages of users and of one's own account, over a real store."""

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pyotp
import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from aggregator import bootstrap
from aggregator.services import second_factor
from aggregator.services.catalogue import Services
from aggregator.settings import Settings, Store
from aggregator.store.database import Database
from aggregator.web import create_app
from tests.aggregator.accounts_world import PASSWORD, Door
from tests.aggregator.web.conftest import token_of

PAGES = ("/account", "/users", "/users/Ada")


@pytest.fixture
def door(database: Database, tmp_path: Path) -> Door:
    made = Door(database, tmp_path)
    made.accounts.set(PASSWORD)
    made.users.add("Ada", PASSWORD, ["reviewer"], "admin")
    return made


@pytest.fixture
def services(door: Door, tmp_path: Path) -> Iterator[Services]:
    made = bootstrap.services(Settings(store=Store(folder=str(tmp_path))), door.database)
    yield replace(made, accounts=door.accounts, users=door.users, tokens=door.tokens, audit=door.log)
    made.live.close()


@pytest.fixture
def app(services: Services) -> Flask:
    return create_app(services)


def enter(app: Flask, name: str, password: str = PASSWORD, code: str = "") -> FlaskClient:
    client = app.test_client()
    form = {"csrf_token": token_of(client.get("/sign-in").text), "name": name, "password": password}
    client.post("/sign-in", data={**form, "code": code})
    return client


def send(client: FlaskClient, path: str, **form: object) -> TestResponse:
    token = token_of(client.get("/account").text)
    return client.post(path, data={"csrf_token": token, **form}, follow_redirects=True)


def test_the_door_asks_for_a_name_once_there_are_several(app: Flask, door: Door) -> None:
    page = app.test_client().get("/sign-in").text
    assert 'name="name" value=""' in page
    assert 'name="code"' not in page
    door.users.remove("Ada", "admin")
    assert 'name="name" value="admin"' in app.test_client().get("/sign-in").text


def test_a_form_without_a_name_is_the_administrators(app: Flask) -> None:
    client = app.test_client()
    token = token_of(client.get("/sign-in").text)
    assert client.post("/sign-in", data={"csrf_token": token, "password": PASSWORD}).status_code == 302


def test_an_administrator_makes_changes_and_removes_users(app: Flask, door: Door) -> None:
    admin = enter(app, "admin")
    told = send(admin, "/users", name="Bo", password="another one", role=["viewer", "listener"])
    assert "Bo can sign in now." in told.text
    assert 'data-user="Bo"' in told.text
    bo = enter(app, "Bo", "another one")
    assert bo.get("/").status_code == 200
    assert "Bo is operator from now on." in send(admin, "/users/Bo/roles", role="operator").text
    assert bo.get("/rollouts/new").status_code == 200, "at once"
    send(admin, "/users/Bo/password", new="a third one")
    assert bo.get("/").status_code == 302, "the session has ended"
    bo = enter(app, "Bo", "a third one")
    assert "signed out everywhere" in send(admin, "/users/Bo/sign-out").text
    assert bo.get("/").status_code == 302
    assert "Bo is gone." in send(admin, "/users/Bo/remove").text
    assert enter(app, "Bo", "a third one").get("/").status_code == 302
    for path, form in (("/users", {"name": "ada"}), ("/users/admin/remove", {}), ("/users/Ada/roles", {})):
        assert send(admin, path, **form).status_code == 400
    assert send(admin, "/users/nobody/remove").status_code == 404
    assert [one.who for one in door.said() if one.action == "user.remove"] == ["admin"]


def test_ones_own_password_needs_the_old_one_and_keeps_this_session(app: Flask) -> None:
    here, elsewhere = enter(app, "Ada"), enter(app, "Ada")
    wrong = send(here, "/account/password", password="guess", new="a new password")
    assert (wrong.status_code, "not your password" in wrong.text) == (400, True)
    assert "is changed" in send(here, "/account/password", password=PASSWORD, new="a new password").text
    assert elsewhere.get("/").status_code == 302
    assert send(here, "/account/sign-out-everywhere").request.path == "/sign-in"
    assert here.get("/").status_code == 302
    assert enter(app, "Ada", "a new password").get("/").status_code == 200


def test_a_proxy_on_this_machine_says_who_asks_and_nobody_else_does(app: Flask, door: Door) -> None:
    client = app.test_client()
    form = {"csrf_token": token_of(client.get("/sign-in").text), "name": "Ada", "password": "guess"}
    for here in ("127.0.0.1", "10.0.0.9"):
        passed = {"X-Forwarded-For": "6.6.6.6, 10.0.0.7"}
        client.post("/sign-in", data=form, headers=passed, environ_overrides={"REMOTE_ADDR": here})
    told = [one.details["client"] for one in door.said() if one.action == "sign_in.failed"]
    assert told == ["10.0.0.7", "10.0.0.9"]


def test_signing_out_makes_a_kept_cookie_worthless(app: Flask) -> None:
    client = enter(app, "Ada")
    cookie = client.get_cookie("soundpost")
    assert cookie is not None
    thief = app.test_client()
    thief.set_cookie("soundpost", cookie.value)
    assert thief.get("/").status_code == 200
    client.post("/sign-out", data={"csrf_token": token_of(client.get("/").text)})
    assert thief.get("/").status_code == 302


def test_a_second_factor_is_read_from_a_picture_and_asked_for_from_then_on(app: Flask, door: Door) -> None:
    client = enter(app, "Ada")
    assert send(client, "/account/totp", password="guess").status_code == 400
    page = send(client, "/account/totp", password=PASSWORD).text
    assert page.count("<svg") == 2, "the brand, and a picture in the page itself"
    assert " style=" not in page
    secret = re.search(r"<code>([A-Z2-7]{32})</code>", page)
    assert secret
    code = pyotp.TOTP(secret[1]).at(door.clock.now_s)
    assert send(client, "/account/totp/confirm", code="000000").status_code == 400
    assert "with a code of your app" in send(client, "/account/totp/confirm", code=code).text
    assert secret[1] not in client.get("/account").text, "nobody reads it a second time"
    assert 'name="code"' in app.test_client().get("/sign-in").text
    door.clock.now_s += second_factor.STEP_S
    assert enter(app, "Ada").get("/").status_code == 302
    code = pyotp.TOTP(secret[1]).at(door.clock.now_s)
    assert enter(app, "Ada", code=code).get("/").status_code == 200
    assert enter(app, "Ada", code=code).get("/").status_code == 302, "a code opens once"
    assert "without codes" in send(enter(app, "admin"), "/users/Ada/totp/end").text
    assert enter(app, "Ada").get("/").status_code == 200


def test_a_token_is_shown_once_and_opens_the_api(app: Flask) -> None:
    client = enter(app, "Ada")
    page = send(client, "/account/tokens", name="<b>night", days="3", scope=["see", "review"]).text
    secret = re.search(r"soundpost_[\w-]{43}", page)
    assert secret
    assert "<b>night" not in page
    assert secret[0] not in client.get("/account").text
    program, bearer = app.test_client(), {"Authorization": f"Bearer {secret[0]}"}
    assert program.get("/api/v1/nodes", headers=bearer).status_code == 200
    assert program.get("/api/v1/windows/1/features", headers=bearer).status_code == 403
    assert program.get("/account", headers=bearer).status_code == 403
    assert program.post("/account/tokens", headers=bearer).status_code == 403, "tokens make no tokens"
    admin = enter(app, "admin")
    assert "&lt;b&gt;night" in admin.get("/users/Ada").text
    assert send(admin, "/account/tokens/1/remove").status_code == 404, "it is not the administrator's own"
    assert "opens nothing any more" in send(admin, "/users/Ada/tokens/1/remove").text
    assert program.get("/api/v1/nodes", headers=bearer).status_code == 401
    assert send(client, "/account/tokens", name="x", days="3", scope="users").status_code == 400


@pytest.mark.parametrize("path", PAGES)
def test_no_page_needs_inline_code_or_another_host(app: Flask, path: str) -> None:
    answer = enter(app, "admin").get(path)
    assert answer.status_code == 200
    assert " style=" not in answer.text
    assert " onclick=" not in answer.text
    assert answer.text.count("<script") == answer.text.count('<script type="module" src="/static/')
    assert "http://" not in answer.text
    assert "Set-Cookie" not in answer.headers
    assert answer.headers["Cache-Control"] == "no-store"


def test_a_stream_ends_with_the_session(
    app: Flask, services: Services, door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    from aggregator.web import credentials

    monkeypatch.setattr(credentials, "WORTH_S", 0.0)
    client = enter(app, "Ada")
    with client.get("/events", buffered=False) as answer:
        lines = answer.iter_encoded()
        assert next(lines).startswith(b"retry")
        next(lines)
        door.users.end_sessions("Ada", "admin")
        assert list(lines) == []
