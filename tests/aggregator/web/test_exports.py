import csv
import io
import json
from collections.abc import Callable

import numpy as np
from flask.testing import FlaskClient

from aggregator.services.catalogue import Services
from aggregator.web.exports import COLUMNS
from tests.aggregator.web import world

Visit = Callable[[Services], FlaskClient]


def test_csv_holds_every_field_of_what_was_asked_for(client: FlaskClient) -> None:
    answer = client.get("/detections.csv?label=dog")
    assert answer.mimetype == "text/csv"
    assert "attachment" in answer.headers["Content-Disposition"]
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert [row["id"] for row in rows] == ["3", "1"]
    assert set(rows[0]) == {"start", *COLUMNS}
    assert rows[0]["start"] == "2023-11-14T22:13:23.000Z"


def test_a_label_is_never_a_formula(visit: Visit) -> None:
    heard = [world.a_detection(1, label='=HYPERLINK("http://evil")')]
    row = next(csv.DictReader(io.StringIO(visit(world.a_world(heard=heard)).get("/detections.csv").text)))
    assert row["label"].startswith("'=")


def test_json_is_one_array(client: FlaskClient) -> None:
    assert [one["id"] for one in json.loads(client.get("/detections.json").text)] == [3, 2, 1]
    assert json.loads(client.get("/detections.json?label=none").text) == []


def test_the_api_pages(client: FlaskClient) -> None:
    first = client.get("/api/v1/detections?limit=2").json
    assert first is not None
    assert [one["id"] for one in first["items"]] == [3, 2]
    second = client.get("/api/v1/detections", query_string={"limit": 2, "cursor": first["older"]}).json
    assert second is not None
    assert [one["id"] for one in second["items"]] == [1]
    assert second["older"] is None
    for limit in ("0", "501", "many"):
        assert client.get(f"/api/v1/detections?limit={limit}").status_code == 400


def test_the_api_gives_nodes_detections_statistics(client: FlaskClient) -> None:
    nodes = client.get("/api/v1/nodes").json
    assert nodes is not None
    assert [node["name"] for node in nodes["nodes"]] == ["attic", "hall"]
    detail = client.get("/api/v1/nodes/attic").json
    assert detail is not None
    assert detail["view"]["model"] == "sounds@1.0.0"
    detection = client.get("/api/v1/detections/1").json
    assert detection is not None
    assert detection["window"]["frames"] == 150
    assert client.get("/api/v1/detections/3").json["window"] is None  # type: ignore[index]
    assert client.get("/api/v1/statistics").json["stored"] == 5  # type: ignore[index]
    assert len(client.get("/api/v1/quarantine").json["items"]) == 1  # type: ignore[index]


def test_features_come_as_stored(services: Services, client: FlaskClient) -> None:
    answer = client.get("/api/v1/windows/1/features")
    shape = int(answer.headers["X-Frames"]), int(answer.headers["X-Mel-Bins"])
    features = np.frombuffer(answer.data, np.int8).reshape(shape)
    window = services.detections.window(1)
    assert window is not None
    np.testing.assert_array_equal(features, window.features)
    assert answer.headers["X-Zero-Point"] == "111"
