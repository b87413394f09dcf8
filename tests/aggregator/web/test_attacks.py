"""What attackers send: paths that climb, files that swell, SQL, templates. It is refused, or kept as text."""

import io
import zlib
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from aggregator import bootstrap
from aggregator.services.catalogue import Services
from aggregator.settings import Settings, Store
from aggregator.web import create_app, dataset
from tests.aggregator.heard import Heard
from tests.aggregator.web import world
from tests.aggregator.web.conftest import signed_in, token_of
from tests.aggregator.web.routes import Route, routes

CLIMBS = (
    "../../../../etc/passwd",
    "..%2f..%2f..%2fetc%2fpasswd",
    "%2e%2e/%2e%2e/etc/passwd",
    "....//....//etc/passwd",
    "..\\..\\windows\\win.ini",
    "/etc/passwd",
    "%00",
    "session.key",
    "..%252f..%252fsession.key",
)
INJECTIONS = (
    "' OR '1'='1",
    "'; DROP TABLE users; --",
    "1; SELECT pg_sleep(9)",
    '" UNION SELECT password_hash FROM users --',
    "%' AND 1=0 UNION SELECT name, key FROM users --",
    "{{ 1000003 * 1000033 }}",
    "{% raw %}",
    "${1000003*1000033}",
    "{{ ''.__class__.__mro__ }}",
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "\x00\ud800".encode("utf-8", "replace").decode(),
)
WORDS = """
    node label since until cursor limit before frontend span format start reviewer state wave kind seen
    release a b next code size into name description reason waves nodes tags sites publish said window
    window_id label_id digit decision password new role scope days private batch percent seed probation
    min_posterior offset_min
"""
NAMES = tuple(WORDS.split())
"""Every field of an address or a form."""


@pytest.fixture(scope="module")
def services(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    """One store for all of it: what an attack breaks, the next one finds broken."""
    settings = Settings(store=Store(folder=str(tmp_path_factory.mktemp("attacked"))))
    with closing(bootstrap.database(settings, migrate=True)) as opened:
        heard = Heard(opened)
        heard.node("attic", "Loft")
        heard.window()
        heard.cards()
        made = bootstrap.services(settings, opened)
        yield replace(made, accounts=world.FakeAccounts())  # type: ignore[arg-type]
        made.live.close()


@pytest.fixture(scope="module")
def app(services: Services) -> Flask:
    return create_app(services)


@pytest.mark.parametrize("climb", CLIMBS)
@pytest.mark.parametrize(
    "below", ["/static/", "/ota/v1/metadata/", "/ota/v1/nodes/attic/targets/", "/nodes/", "/api/v1/nodes/"]
)
def test_no_path_climbs_out(app: Flask, services: Services, below: str, climb: str) -> None:
    services.accounts.session_secret()
    with signed_in(app).get(below + climb, follow_redirects=True) as answer:
        assert answer.status_code in (400, 401, 404), answer.status_code
        assert b"root:" not in answer.data


@pytest.mark.parametrize("climb", CLIMBS)
def test_the_door_leads_nowhere_else(app: Flask, climb: str) -> None:
    client = app.test_client()
    token = token_of(client.get("/sign-in").text)
    form = {"csrf_token": token, "password": world.PASSWORD, "next": f"//evil.example/{climb}"}
    assert client.post("/sign-in", data=form).headers["Location"] == "/"


def test_a_form_may_not_be_large_wherever_it_is_sent(app: Flask) -> None:
    client = signed_in(app)
    form = {"csrf_token": token_of(client.get("/").text), "name": "x" * 100_000}
    for route in routes(app):
        if not route.safe and route.endpoint not in ("dataset.load", "ota.hand_in"):
            assert client.open(route.path, method=route.method, data=form).status_code == 413, route


@pytest.mark.parametrize(
    ("path", "largest"),
    [("/dataset/labels", dataset.LARGEST_UPLOAD_BYTES), ("/account", 64_000), ("/users", 64_000)],
)
def test_an_upload_that_says_it_is_too_large_is_not_read(app: Flask, path: str, largest: int) -> None:
    client = signed_in(app)
    answer = client.post(
        path, headers={"X-CSRF-Token": token_of(client.get("/").text)}, data={"name": "x"},
        environ_overrides={"CONTENT_LENGTH": str(largest + 1)},
    )  # fmt: skip
    assert answer.status_code in (405, 413)


def test_a_file_that_swells_is_not_unpacked(app: Flask, services: Services) -> None:
    """Nothing of ours unpacks what is sent: a bomb stays as small as it came."""
    client = signed_in(app)
    bomb = zlib.compress(b"0" * 50_000_000, 9)
    form = {
        "csrf_token": token_of(client.get("/").text), "format": "csv",
        "file": (io.BytesIO(bomb), "labels.csv.gz"),
    }  # fmt: skip
    answer = client.post("/dataset/labels", data=form, headers={"Content-Encoding": "gzip"})
    assert answer.status_code in (200, 400)
    assert services.review.progress().answered == 0


def test_a_form_of_many_parts_is_refused(app: Flask) -> None:
    client = signed_in(app)
    token = token_of(client.get("/").text)
    boundary = "b"
    part = f'--{boundary}\r\nContent-Disposition: form-data; name="x"\r\n\r\n1\r\n'
    body = part * 5000 + f"--{boundary}--\r\n"
    answer = client.post(
        "/dataset/labels", data=body.encode(), headers={"X-CSRF-Token": token},
        content_type=f"multipart/form-data; boundary={boundary}",
    )  # fmt: skip
    assert answer.status_code == 413


def refused_or_kept(answer: TestResponse, route: Route, text: str) -> None:
    """Nothing broke, nothing was reckoned, and nothing of it is markup."""
    said = answer.get_data()
    assert answer.status_code < 500, (route, said[:300])
    assert b"1000036000099" not in said, route
    if answer.mimetype == "text/html" and "<" in text:
        assert text.encode() not in said, route


@pytest.mark.parametrize("text", INJECTIONS)
def test_no_address_takes_it_for_more_than_text(app: Flask, services: Services, text: str) -> None:
    client = signed_in(app)
    for route in routes(app):
        if route.method == "GET" and route.endpoint not in ("events.stream", "static"):
            with client.get(route.path, query_string=dict.fromkeys(NAMES, text)) as answer:
                refused_or_kept(answer, route, text)
    assert services.fleet.nodes()[0].name == "attic"


@pytest.mark.parametrize("text", INJECTIONS)
def test_no_form_takes_it_for_more_than_text(app: Flask, services: Services, text: str) -> None:
    services.accounts.failures = 0  # type: ignore[attr-defined]
    client = signed_in(app)
    form = {**dict.fromkeys(NAMES, text), "csrf_token": token_of(client.get("/").text)}
    for route in routes(app):
        if not route.safe and route.endpoint not in ("sign_in.leave", "account.everywhere"):
            with client.open(route.path, method=route.method, data=form) as answer:
                refused_or_kept(answer, route, text)
    assert services.audit.verify().intact
    assert services.fleet.nodes()[0].name == "attic", "every table is still there"
