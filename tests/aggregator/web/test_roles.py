"""Every route × role, every route × token, with no example left out: generated from the app's own map."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace

import pytest
from flask import Flask
from flask.testing import FlaskClient

from aggregator import bootstrap
from aggregator.domain.roles import PERMISSIONS, Permission, Person, Role
from aggregator.services.catalogue import Services
from aggregator.settings import Settings, Store
from aggregator.web import access, create_app, security
from tests.aggregator.heard import Heard
from tests.aggregator.web import world
from tests.aggregator.web.conftest import signed_in, token_of
from tests.aggregator.web.route_permissions import ASKED
from tests.aggregator.web.routes import Route, routes

SECRET = "soundpost_secret"


@pytest.fixture(scope="module")
def services(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    """A real store with a node and its windows; users without costly hashes, called after their role."""
    settings = Settings(store=Store(folder=str(tmp_path_factory.mktemp("store"))))
    accounts = world.FakeAccounts()
    accounts.roles = {str(role): (role,) for role in Role}
    with closing(bootstrap.database(settings, migrate=True)) as opened:
        heard = Heard(opened)
        heard.node("attic", "Loft")
        heard.window()
        heard.cards()
        made = bootstrap.services(settings, opened)
        yield replace(made, accounts=accounts, tokens=world.FakeTokens())  # type: ignore[arg-type]
        made.live.close()


@pytest.fixture(scope="module")
def app(services: Services) -> Flask:
    return create_app(services)


def asked_of(app: Flask, route: Route) -> str:
    with app.test_request_context():
        asked = access.declared(route.endpoint)
    assert asked is not None
    return str(asked)


def status(client: FlaskClient, route: Route, **headers: str) -> int:
    """What comes of a request without the form's token: an unsafe one that is allowed gets no further."""
    if route.socket:
        headers |= {"Upgrade": "websocket", "Connection": "Upgrade", "Origin": "http://localhost"}
    with client.open(route.path, method=route.method, headers={"Accept": "text/html", **headers}) as answer:
        assert set(security.HEADERS) <= set(answer.headers.keys()), route
        assert answer.headers["Content-Security-Policy"] == security.CONTENT_POLICY
        return answer.status_code


def test_what_is_declared_is_what_was_meant(app: Flask) -> None:
    found: dict[str, set[str]] = {}
    with app.test_request_context():
        for endpoint in app.view_functions:
            found.setdefault(str(access.declared(endpoint)), set()).add(endpoint)
    assert found == {asked: set(endpoints) for asked, endpoints in ASKED.items()}


@pytest.mark.parametrize("role", list(Role))
def test_a_role_opens_what_it_has_and_nothing_else(app: Flask, role: Role) -> None:
    client = signed_in(app, str(role))
    tried = 0
    for route in routes(app):
        asked = asked_of(app, route)
        if asked in (access.OPEN, access.OF_PROGRAMS) or route.method == "OPTIONS":
            continue
        allowed = asked == access.OF_ONESELF or asked in PERMISSIONS[role]
        if route.socket and allowed:
            continue  # sockets need a real server: tests/system/test_live.py
        got = status(client, route)
        if route.endpoint.startswith("account."):
            continue  # these ask the real store for the user: tests/aggregator/web/test_account_pages.py
        if not allowed:
            assert got == 403, f"{role} got {got} at {route}"
        elif route.safe:
            assert got in (200, 302, 400, 404), f"{role} got {got} at {route}"
        else:
            assert got == 400, f"{role} got {got} at {route}, without the form's token"
        tried += 1
    assert tried > 150


@pytest.mark.parametrize("scope", list(Permission))
def test_a_token_opens_its_scope_and_nothing_else(app: Flask, services: Services, scope: Permission) -> None:
    services.tokens.by_secret[SECRET] = Person(  # type: ignore[attr-defined]
        name="Ada", permissions=frozenset({scope}), by_token=True
    )
    program = app.test_client()
    for route in routes(app):
        asked = asked_of(app, route)
        if asked in (access.OPEN, access.OF_PROGRAMS) or route.method == "OPTIONS":
            continue
        if asked == scope:
            if route.safe and not route.socket:
                assert status(program, route, Authorization=f"Bearer {SECRET}") not in (401, 403, 500), route
        else:
            assert status(program, route, Authorization=f"Bearer {SECRET}") == 403, route
    with app.test_client().get("/") as answer:
        assert answer.status_code == 302, "a token leaves no session behind"


def test_a_token_that_does_not_hold_opens_nothing_even_beside_a_session(app: Flask) -> None:
    client = signed_in(app)
    for route in routes(app):
        if asked_of(app, route) in (access.OPEN, access.OF_PROGRAMS):
            continue
        for shown in ("Bearer ", "Bearer soundpost_guess", "bearer x", "Basic OnNvdW5kcG9zdF9ndWVzcw=="):
            assert status(client, route, Authorization=shown) == 401, route
    assert client.get("/").status_code == 200


def test_no_page_shows_what_its_reader_may_not_do(app: Flask) -> None:
    """No form and no link on any page leads to where the reader would be refused."""
    for role in Role:
        client = signed_in(app, str(role))
        known = {route.path: asked_of(app, route) for route in routes(app) if route.method == "GET"}
        posts = {route.path: asked_of(app, route) for route in routes(app) if route.method == "POST"}
        for path, asked in known.items():
            if asked not in PERMISSIONS[role] or path.startswith(("/api/", "/events")):
                continue
            with client.get(path) as answer:
                if answer.mimetype != "text/html":
                    continue
                page = answer.text
            for action, wanted in posts.items():
                if wanted in set(Permission) - PERMISSIONS[role]:
                    assert f'method="post" action="{action}"' not in page, (
                        f"{role} is offered {action} on {path}"
                    )
            for place in ("/users", "/audit", "/rollouts/new", "/windows/1/delete", "/nodes/attic/delete"):
                if known[place] not in PERMISSIONS[role]:
                    assert f'href="{place}"' not in page, f"{role} is led to {place} from {path}"


def test_a_program_needs_no_form_and_a_browser_that_sends_a_password_by_itself_changes_nothing(
    app: Flask, services: Services
) -> None:
    services.tokens.by_secret[SECRET] = Person(  # type: ignore[attr-defined]
        name="bot", permissions=frozenset({Permission.SEE, Permission.LABEL}), by_token=True
    )
    program = app.test_client()
    bearer = {"Authorization": f"Bearer {SECRET}"}
    made = program.post("/api/v1/labels", data={"name": "owl"}, headers=bearer)
    assert (made.status_code, made.json and made.json["made_by"]) == (201, "bot")
    told = program.get("/api/v1/session", headers=bearer)
    assert told.json == {"csrf_token": None, "reviewer": "bot", "permissions": ["label", "see"]}
    assert "Set-Cookie" not in told.headers
    assert program.get("/api/v1/nodes", auth=("anybody", SECRET)).status_code == 200
    assert program.post("/api/v1/labels", data={"name": "elk"}, auth=("x", SECRET)).status_code == 401


def test_who_is_not_known_is_told_how_to_come_in(app: Flask) -> None:
    stranger = app.test_client()
    player = stranger.get("/windows/1.wav", headers={"Accept": "*/*"})
    assert (player.status_code, player.headers["WWW-Authenticate"]) == (401, 'Basic realm="Soundpost"')
    stranger.get("/sign-in")
    browser = stranger.get("/windows/1.wav", headers={"Accept": "*/*"})
    assert (browser.status_code, browser.headers["WWW-Authenticate"]) == (401, "Bearer")


@pytest.mark.parametrize("origin", [None, "http://evil.example", "null", "http://localhost:81"])
def test_a_socket_is_for_our_own_pages(app: Flask, origin: str | None) -> None:
    client = signed_in(app)
    upgrade = {"Upgrade": "websocket", "Connection": "Upgrade"}
    ours = client.get("/", headers={**upgrade, "Origin": "http://localhost"})
    assert ours.status_code == 400, "no socket is at this address, but it may be asked for one"
    assert client.get("/", headers=upgrade | ({"Origin": origin} if origin else {})).status_code == 403


def test_a_program_answers_in_its_users_name_only(app: Flask) -> None:
    client = signed_in(app, "reviewer")
    token = token_of(client.get("/review").text)
    form = {"csrf_token": token, "window_id": 1, "said": "none"}
    assert client.post("/api/v1/review/answers", data={**form, "reviewer": "Bo"}).status_code == 403
    assert client.post("/api/v1/review/answers", data={**form, "reviewer": "reviewer"}).status_code == 200


def test_exports_are_on_record(app: Flask, services: Services) -> None:
    client = signed_in(app)
    before = len(services.audit.newest(10_000))
    for path in ("/detections.csv?node=attic", "/detections.json", "/dataset/labels?format=csv"):
        with client.get(path) as answer:
            assert answer.status_code == 200
    said = [(one.who, one.action, one.details) for one in services.audit.newest(10_000)][::-1]
    assert said[before:] == [
        ("admin", "export", {"what": "detections.csv", "wanted": "node=attic"}),
        ("admin", "export", {"what": "detections.json", "wanted": ""}),
        ("admin", "export", {"what": "labels.csv", "node": ""}),
    ]
