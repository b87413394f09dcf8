"""Deleting on the dashboard: nothing goes before it was shown and confirmed."""

from dataclasses import replace
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from aggregator import bootstrap
from aggregator.services.catalogue import Services
from aggregator.settings import Settings, Store
from aggregator.store.database import Database
from aggregator.web import create_app
from contract.sampling import Sampling
from tests.aggregator.heard import Heard, boot_of
from tests.aggregator.messages import NAMESPACE, birth, incoming
from tests.aggregator.web import world
from tests.aggregator.web.conftest import signed_in, token_of


@pytest.fixture
def app(database: Database, tmp_path: Path) -> Flask:
    """Two windows of one node, over a real store."""
    heard = Heard(database)
    heard.node("attic")
    heard.window(at_s=0)
    heard.window(at_s=60)
    heard.cards()
    made: Services = bootstrap.services(Settings(store=Store(folder=str(tmp_path))), database)
    made.live.close()
    return create_app(replace(made, accounts=world.FakeAccounts()))  # type: ignore[arg-type]


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return signed_in(app, "Ada")


def test_a_window_is_deleted_after_a_look(client: FlaskClient) -> None:
    assert "Nothing was deleted" in client.get("/deletions").text
    page = client.get("/windows/1/delete").text
    assert "Delete window 1 of attic?" in page
    assert '<span class="number strong">1</span> window of features' in page
    assert client.get("/windows/1.png").status_code == 200
    refused = client.post("/windows/1/delete")
    assert refused.status_code == 400
    said = {"csrf_token": token_of(page), "who": "somebody else"}
    done = client.post("/windows/1/delete", data=said, follow_redirects=True)
    assert "Window 1 of attic is deleted." in done.text
    assert "<td>Ada</td>" in done.text
    assert client.get("/windows/1/delete").status_code == 404
    assert client.get("/windows/1.png").status_code == 404


def test_a_nodes_data_is_deleted_up_to_a_time_or_whole(app: Flask) -> None:
    client = signed_in(app, "B<b>o")
    assert 'href="/nodes/attic/delete"' in client.get("/nodes/attic").text
    assert "there is nothing of it" in client.get("/nodes/attic/delete?until=2001-01-01T00:00").text
    assert client.get("/nodes/attic/delete?until=soon").status_code == 400
    assert client.get("/nodes/nobody/delete").status_code == 404
    page = client.get("/nodes/attic/delete").text
    assert '<span class="number strong">2</span> windows of features' in page
    form = {"csrf_token": token_of(page), "until": ""}
    done = client.post("/nodes/attic/delete", data=form, follow_redirects=True).text
    assert "What attic has sent is deleted." in done
    assert "B<b>o" not in done
    assert client.get("/nodes/attic").status_code == 200


def test_the_api_deletes_and_tells(client: FlaskClient) -> None:
    session = client.get("/api/v1/session").json
    assert session is not None
    said = {"X-CSRF-Token": session["csrf_token"]}
    assert client.delete("/api/v1/windows/1").status_code == 400
    gone = client.delete("/api/v1/windows/1", headers=said).json
    assert gone is not None
    assert (gone["who"], gone["counts"]["windows"]) == ("Ada", 1)
    assert client.delete("/api/v1/windows/1", headers=said).status_code == 404
    plan = client.get("/api/v1/nodes/attic/data").json
    assert plan is not None
    assert plan["counts"]["windows"] == 1
    assert client.delete("/api/v1/nodes/attic/data?until=x", headers=said).status_code == 400
    assert client.delete("/api/v1/nodes/attic/data", headers=said).json["counts"] == plan["counts"]  # type: ignore[index]
    items = client.get("/api/v1/deletions").json
    assert items is not None
    assert [one["scope"] for one in items["items"]] == ["node", "window"]


def test_pages_say_which_labels_are_private_by_the_list(client: FlaskClient, database: Database) -> None:
    from aggregator.services.ingest import IngestService
    from aggregator.services.labels import LabelService

    LabelService(database).change(1, "Ada", private=True)
    known = incoming(birth(boot=boot_of("attic"), sampling=Sampling()))
    IngestService(database, NAMESPACE).store([known])
    for path in ("/sampling", "/nodes/attic", "/sampling/fleet"):
        assert "list of labels</a>" in client.get(path).text, path
    told = client.get("/api/v1/sampling").json
    assert told is not None
    assert told["nodes"][0]["marked"] == ["dog"]
