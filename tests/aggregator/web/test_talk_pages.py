"""Talking on the pages of a fleet in memory; ``tests/system/test_voice_browser.py`` talks for real."""

import pytest
from flask import Flask
from flask.testing import FlaskClient

from aggregator.domain.roles import Role
from aggregator.services.catalogue import Services
from aggregator.web.talk import _read
from tests.aggregator.web.conftest import signed_in, token_of


def test_an_operator_says_who_may_talk_to_a_node(client: FlaskClient, services: Services) -> None:
    page = client.get("/nodes/attic").text
    assert "Nobody may talk to attic until that is allowed on its page." in page
    assert "data-hold" not in page
    form = {"csrf_token": token_of(page), "level": "people"}
    assert client.post("/nodes/attic/talking", data=form).status_code == 302
    page = client.get("/nodes/attic").text
    assert 'value="people" checked' in page
    assert 'data-talk="/nodes/attic/talk"' in page
    assert "Who may talk to attic has been changed." in page


def test_it_is_beside_listening(client: FlaskClient, services: Services) -> None:
    services.listening.allow("attic", "features", "Ada")
    services.talk.allow("attic", "people", "Ada")
    page = client.get("/nodes/attic/listen").text
    assert page.index("data-listen") < page.index("data-hold")


@pytest.mark.parametrize(
    ("role", "talks", "allows"),
    [
        (Role.VIEWER, False, False), (Role.REVIEWER, False, False), (Role.LISTENER, True, False),
        (Role.OPERATOR, False, True), (Role.ADMIN, True, True),
    ],
)  # fmt: skip
def test_each_role_is_shown_what_it_may(
    app: Flask, services: Services, role: Role, talks: bool, allows: bool
) -> None:
    services.accounts.roles = {str(role): (role,)}  # type: ignore[attr-defined]
    services.talk.allow("attic", "people", "Ada")
    page = signed_in(app, str(role)).get("/nodes/attic").text
    assert ("data-hold" in page) == talks
    assert ('action="/nodes/attic/talking"' in page) == allows


def test_pages_may_hear_the_microphone_and_nobody_else(client: FlaskClient) -> None:
    assert "microphone=(self)" in client.get("/nodes/attic").headers["Permissions-Policy"]


@pytest.mark.parametrize("said", [b"", b"\0" * 7, b"\0" * 9])
def test_what_is_no_sound_is_refused(said: bytes) -> None:
    with pytest.raises(Exception, match="no sound"):
        _read(said)


def test_a_time_that_is_none_is_no_time() -> None:
    captured_ms, pcm = _read(b"\xff" * 8 + b"\1\0\2\0")
    assert captured_ms == 0
    assert pcm.tolist() == [1, 2]
