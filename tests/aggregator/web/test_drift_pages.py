"""Drift on the dashboard and in the API, over a real store."""

from dataclasses import replace
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from aggregator import bootstrap
from aggregator.domain.drift_levels import LevelHour
from aggregator.domain.drift_spectra import Spectrum
from aggregator.services.drift_views import DriftView, LabelDrift
from aggregator.settings import Settings, Store
from aggregator.store.database import Database
from aggregator.web import create_app
from aggregator.web.drift_chart import drift_picture
from tests.aggregator.past import Past
from tests.aggregator.test_drift import usual
from tests.aggregator.web import world
from tests.aggregator.web.conftest import signed_in


@pytest.fixture
def past(database: Database) -> Past:
    """A node that went deaf, with a hum, and a label that floods; and one that nobody has looked at."""
    made = usual(Past(database), 6)
    made.levels(6, 0, -85, -80)
    made.windows([0.2, 0.9, 1.5, 2.5], hum=(8, 9, 10))
    made.detections([0.01 * step for step in range(100)])
    made.index.finish()
    Past(database, "barn")
    return made


@pytest.fixture
def app(past: Past, tmp_path: Path) -> Flask:
    made = bootstrap.services(Settings(store=Store(folder=str(tmp_path))), past.database)
    made.live.close()
    return create_app(replace(made, accounts=world.FakeAccounts()))  # type: ignore[arg-type]


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return signed_in(app)


def test_alerts_stand_where_people_look(client: FlaskClient) -> None:
    for path in ("/", "/drift", "/nodes/attic"):
        page = client.get(path).text
        assert "The microphone may be deaf" in page, path
        assert "“dog” floods" in page, path
    assert "deaf" not in client.get("/nodes/barn").text
    assert "Not looked at yet." in client.get("/nodes/barn").text


def test_the_pictures_say_what_they_show(client: FlaskClient) -> None:
    page = client.get("/drift").text
    assert "3 of 80 bands rose" in page
    assert page.count('class="bin-risen"') == 4, "three, and the key"
    assert "dog: 16.7 an hour, usually 0.33" in page
    assert "dBFS, usually " in page
    node = client.get("/nodes/attic").text
    assert "Level of the last two days" in node
    assert 'class="history spectrum-now"' in node


def test_the_api_tells(client: FlaskClient, past: Past) -> None:
    fleet = client.get("/api/v1/drift").json
    assert fleet is not None
    assert [(one["node"], one["made_s"]) for one in fleet["nodes"]] == [("attic", past.now_s), ("barn", None)]
    assert {one["kind"] for one in fleet["alerts"]} == {"deaf", "flood"}
    node = client.get("/api/v1/drift/attic").json
    assert node is not None
    assert node["node"] == fleet["nodes"][0]
    assert node["node"]["risen_bins"] == [8, 9, 10]
    assert client.get("/api/v1/drift/nobody").status_code == 404


def test_pictures_stay_in_their_boxes() -> None:
    loud = LevelHour(start_s=0.0, seconds=3600, low_dbfs=-130.0, middle_dbfs=-2.0, high_dbfs=3.0)
    label = LabelDrift(
        label="dog", count=0, per_hour=0.0, usual_per_hour=0.0, chance=1.0, floods=False, shift=0.3,
        posteriors=(), usual_posteriors=(),
    )  # fmt: skip
    view = DriftView(
        node="attic", made_s=1.0, level=loud, usual_level=None, hours=(loud, replace(loud, start_s=7200.0)),
        labels=(label,), spectrum=Spectrum(windows=3, floor_db=(0.0,) * 80),
        usual_spectrum=Spectrum(windows=3, floor_db=(-110.0,) * 40 + (5.0,) * 40),
    )  # fmt: skip
    picture = drift_picture(view)
    assert picture is not None
    assert picture.now is not None
    assert (picture.now.left, picture.now.width) == (0.0, 1000.0)
    assert all(one.top >= 0 and one.top + one.height <= 100 for one in picture.bins)
    assert (picture.labels[0].now, picture.labels[0].shifted) == (0.0, True)
    assert len(picture.bands) == 2, "no band is drawn through an hour that was not heard"
    assert drift_picture(DriftView(node="attic", made_s=None)) is None
