"""The dashboard over a fleet in memory, and a browser where there is one."""

import re
from collections.abc import Callable, Iterator
from typing import Protocol

import pytest
from flask import Flask
from flask.testing import FlaskClient

from aggregator.services.catalogue import Services
from aggregator.web import create_app
from tests.aggregator.web import world
from tests.aggregator.web.browser import Browser
from tests.aggregator.web.hub import PASSWORD

TOKEN = re.compile(r'name="csrf_token" value="([^"]+)"')


def token_of(page: str) -> str:
    """The forgery token in a page's first form."""
    found = TOKEN.search(page)
    assert found, "the page has no token"
    return found[1]


def signed_in(app: Flask, name: str = "admin") -> FlaskClient:
    """A client that went through the door as ``name``."""
    client = app.test_client()
    token = token_of(client.get("/sign-in").text)
    answer = client.post("/sign-in", data={"csrf_token": token, "name": name, "password": world.PASSWORD})
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


class Served(Protocol):
    """A dashboard that runs, with the password of ``tests.aggregator.web.hub``."""

    address: str


@pytest.fixture(scope="module")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """One browser for all tests of a file: it takes seconds to start."""
    made = Browser(tmp_path_factory.mktemp("profile"))
    yield made
    made.driver.quit()


@pytest.fixture(scope="module")
def browser(chromium: Browser, hub: Served) -> Iterator[Browser]:
    """Signed in at the file's ``hub``; its tests leave no complaints in the console."""
    chromium.sign_in(hub.address, PASSWORD)
    yield chromium
    assert chromium.complaints() == []
