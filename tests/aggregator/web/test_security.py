import pytest
from flask import Flask
from flask.testing import FlaskClient

from aggregator.services.catalogue import Services
from aggregator.web import access, create_app
from aggregator.web.security import CONTENT_POLICY, safe_target
from tests.aggregator.web import world
from tests.aggregator.web.conftest import signed_in, token_of
from tests.aggregator.web.route_permissions import ASKED
from tests.aggregator.web.routes import routes

OPEN, OF_PROGRAMS = ASKED["open"], ASKED["of programs"]
"""Programs know no session: tests/aggregator/test_ota_delivery.py asks them for their own tokens."""


def test_every_other_route_asks_for_a_session(app: Flask) -> None:
    stranger = app.test_client()
    for route in routes(app):
        endpoint, method, path = route.endpoint, route.method, route.path
        if endpoint in OPEN | OF_PROGRAMS or method == "OPTIONS":
            continue
        assert stranger.open(path, method=method, headers={"Sec-Fetch-Dest": "empty"}).status_code == 401
        answer = stranger.open(path, method=method)
        if path.startswith("/api/"):
            assert answer.status_code == 401, path
            assert answer.mimetype == "application/problem+json"
        else:
            assert answer.status_code == 302, path
            assert "/sign-in" in answer.headers["Location"]


def test_every_route_declares_what_it_asks_for(app: Flask) -> None:
    with app.test_request_context():
        closed = [endpoint for endpoint in app.view_functions if access.declared(endpoint) is None]
    assert closed == [], "write @needs(Permission.…) below the route: see aggregator/web/access.py"


def test_a_route_that_declares_nothing_is_closed_to_everybody(services: Services) -> None:
    app = create_app(services)
    app.add_url_rule("/new", "new", lambda: "secret")
    assert app.test_client().get("/new").status_code == 302
    answer = signed_in(app).get("/new")
    assert answer.status_code == 403
    assert "nobody may" in answer.text
    assert "secret" not in answer.text


def test_a_picture_that_is_refused_does_not_disturb_the_form(app: Flask) -> None:
    stranger = app.test_client()
    refused = stranger.get("/windows/1.png", headers={"Sec-Fetch-Dest": "image"})
    assert refused.status_code == 401
    assert "Set-Cookie" not in refused.headers
    with stranger.get("/favicon.ico") as icon:
        assert icon.mimetype == "image/svg+xml"


def test_every_post_asks_for_the_token(app: Flask) -> None:
    for route in routes(app):
        if route.safe or route.endpoint in OF_PROGRAMS:
            continue
        client = signed_in(app)
        for form in ({}, {"csrf_token": "forged"}):
            assert client.open(route.path, method=route.method, data=form).status_code == 400, route
        assert client.get("/").status_code == 200, "a forged request must not sign anybody out"


def test_a_token_of_another_session_is_no_token(app: Flask, client: FlaskClient) -> None:
    other = token_of(signed_in(app).get("/").text)
    assert client.post("/sign-out", data={"csrf_token": other}).status_code == 400


@pytest.mark.parametrize(
    "path", ["/", "/sign-in", "/nowhere", "/healthz", "/api/v1/nodes", "/static/page.css"]
)
def test_every_answer_is_hardened(client: FlaskClient, path: str) -> None:
    with client.get(path) as answer:
        headers = answer.headers
    assert headers["Content-Security-Policy"] == CONTENT_POLICY
    assert "unsafe" not in CONTENT_POLICY
    assert "*" not in CONTENT_POLICY
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["Cache-Control"] in ("no-store", "no-cache")


@pytest.mark.parametrize(
    "path",
    ["/", "/live", "/detections", "/detections/1", "/detections/3", "/nodes/attic", "/arrivals", "/nowhere"],
)
def test_no_page_needs_inline_code_or_another_host(client: FlaskClient, path: str) -> None:
    page = client.get(path).text
    assert " style=" not in page
    assert "<style" not in page
    assert " onclick=" not in page
    assert "javascript:" not in page
    assert page.count("<script") == page.count('<script type="module" src="/static/')
    assert "http://" not in page
    assert "https://" not in page


def test_the_cookie_is_kept_from_scripts_and_other_sites(app: Flask) -> None:
    plain = app.test_client().get("/sign-in").headers["Set-Cookie"]
    assert "HttpOnly" in plain
    assert "SameSite=Lax" in plain
    assert "Secure" not in plain
    tls = app.test_client().get("/sign-in", base_url="https://hub.example")
    assert "Secure" in tls.headers["Set-Cookie"]
    assert "max-age" in tls.headers["Strict-Transport-Security"]


def test_a_wrong_password_is_refused_and_the_right_one_leads_on(app: Flask) -> None:
    client = app.test_client()
    token = token_of(client.get("/sign-in?next=/nodes/attic?span=day").text)
    wrong = client.post("/sign-in", data={"csrf_token": token, "password": "guess"})
    assert wrong.status_code == 403
    assert "not the password" in wrong.text
    right = {"csrf_token": token, "password": world.PASSWORD, "next": "/nodes/attic?span=day"}
    assert client.post("/sign-in", data=right).headers["Location"] == "/nodes/attic?span=day"
    assert client.get("/").status_code == 200


def test_a_page_is_remembered_through_the_door(app: Flask) -> None:
    answer = app.test_client().get("/detections?label=dog")
    assert answer.headers["Location"] == "/sign-in?next=/detections?label%3Ddog"


def test_guessing_is_slowed_down(app: Flask) -> None:
    client = app.test_client()
    token = token_of(client.get("/sign-in").text)
    answers = [client.post("/sign-in", data={"csrf_token": token, "password": "x"}) for _ in range(6)]
    assert [answer.status_code for answer in answers] == [403] * 5 + [429]
    assert answers[-1].headers["Retry-After"] == "30"
    assert "Too many attempts" in answers[-1].text


def test_sessions_end_with_the_password(services: Services, client: FlaskClient) -> None:
    services.accounts.sessions.clear()  # type: ignore[attr-defined]
    assert client.get("/").status_code == 302


@pytest.mark.parametrize("path", ["/", "/live", "/events", "/windows/1.png"])
def test_only_the_door_sets_cookies(client: FlaskClient, path: str) -> None:
    assert "Set-Cookie" not in client.get(path).headers, "a late answer must not undo a sign-out"


def test_sign_out_ends_the_session(client: FlaskClient) -> None:
    client.post("/sign-out", data={"csrf_token": token_of(client.get("/").text)})
    assert client.get("/").status_code == 302


@pytest.mark.parametrize(
    "target",
    [
        "//evil.example",
        "https://evil.example",
        "/\\evil.example",
        "\\\\evil",
        "javascript:x",
        "",
        None,
        "live",
    ],
)
def test_nobody_is_sent_elsewhere(app: Flask, target: str | None) -> None:
    with app.test_request_context():
        assert safe_target(target) == "/"


def test_the_first_password_needs_the_code() -> None:
    client = create_app(world.a_world(password=None)).test_client()
    assert client.get("/").headers["Location"] == "/setup"
    assert client.get("/sign-in").headers["Location"] == "/setup"
    page = client.get("/setup").text
    assert "Setup code" in page
    wrong = client.post(
        "/setup", data={"csrf_token": token_of(page), "password": "long enough", "code": "no"}
    )
    assert wrong.status_code == 400
    assert "The setup code is wrong." in wrong.text
    assert client.get("/").status_code == 302


def test_the_link_of_the_log_carries_the_code() -> None:
    client = create_app(world.a_world(password=None)).test_client()
    page = client.get(f"/setup?code={world.CODE}").text
    assert "Setup code" not in page
    form = {"csrf_token": token_of(page), "password": "long enough", "code": world.CODE}
    assert client.post("/setup", data=form).headers["Location"] == "/"
    assert client.get("/").status_code == 200
    assert client.get("/setup").headers["Location"] == "/sign-in"
