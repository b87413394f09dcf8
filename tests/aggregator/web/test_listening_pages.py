"""The pages of live listening, over a fleet in memory; ``tests/system/test_live.py`` hears sound itself."""

from flask.testing import FlaskClient

from aggregator.services.catalogue import Services
from tests.aggregator.web.conftest import token_of


def test_a_node_says_whether_it_may_be_listened_to(client: FlaskClient, services: Services) -> None:
    page = client.get("/nodes/attic").text
    assert 'value="off" checked' in page
    assert "Listen to it now" not in page
    form = {"csrf_token": token_of(page), "level": "features"}
    assert client.post("/nodes/attic/listening", data=form).status_code == 302
    page = client.get("/nodes/attic").text
    assert 'value="features" checked' in page
    assert 'href="/nodes/attic/listen"' in page


def test_the_page_offers_what_is_allowed(client: FlaskClient, services: Services) -> None:
    assert "Nobody may listen" in client.get("/nodes/attic/listen").text
    services.listening.allow("attic", "features", "Ada")
    page = client.get("/nodes/attic/listen").text
    assert 'value="15k" selected' in page
    assert 'value="opus"' not in page
    assert 'href="/nodes/attic/stream.wav"' in page


def test_an_owner_who_does_not_want_it_is_named(client: FlaskClient, services: Services) -> None:
    services.listening.offered = ()  # type: ignore[misc]
    assert "The owner of this node" in client.get("/nodes/attic/listen").text
    assert "Its owner does not let it" in client.get("/nodes/attic").text


def test_the_socket_is_no_page(client: FlaskClient) -> None:
    assert client.get("/nodes/attic/sound").status_code in (400, 404)
