"""The dashboard over a fleet in memory, and a browser where there is one."""

import re
from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient

from aggregator.services.catalogue import Services
from aggregator.web import create_app
from tests.aggregator.web import world

TOKEN = re.compile(r'name="csrf_token" value="([^"]+)"')


def token_of(page: str) -> str:
    """The forgery token in a page's first form."""
    found = TOKEN.search(page)
    assert found, "the page has no token"
    return found[1]


def signed_in(app: Flask) -> FlaskClient:
    """A client that went through the door."""
    client = app.test_client()
    token = token_of(client.get("/sign-in").text)
    answer = client.post("/sign-in", data={"csrf_token": token, "password": world.PASSWORD})
    assert answer.status_code == 302
    return client


@pytest.fixture
def services() -> Services:
    """Two nodes, three detections, two windows."""
    return world.a_world(
        nodes=[world.a_node("attic"), world.a_node("hall", status="offline", online=False)],
        heard=[
            world.a_detection(1, window_id=1),
            world.a_detection(2, label="rain", node="hall", posterior=0.6, window_id=2),
            world.a_detection(3),
        ],
        windows=[world.a_window(1), world.a_window(2, "rain", node="hall")],
    )


@pytest.fixture
def app(services: Services) -> Flask:
    """The dashboard over ``services``."""
    return create_app(services)


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """A reader who signed in."""
    return signed_in(app)


@pytest.fixture
def visit() -> Callable[[Services], FlaskClient]:
    """A signed-in reader of other services."""
    return lambda services: signed_in(create_app(services))
