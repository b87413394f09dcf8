"""Pages of trainings and releases, without a browser: over memory, and over real trainings."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from aggregator import bootstrap
from aggregator.domain.training_progress import CurvePoint, Progress
from aggregator.services.catalogue import Services
from aggregator.web import create_app
from aggregator.web.training_chart import curve_chart
from tests.aggregator.learning import Workshop
from tests.aggregator.web import world
from tests.aggregator.web.conftest import signed_in, token_of
from tests.aggregator.web.learning_world import a_training


def post(client: FlaskClient, path: str, page: str, **fields: str) -> Any:
    """Send a form as the page would."""
    return client.post(path, data={"csrf_token": token_of(client.get(page).text), **fields})


def test_without_a_training_there_is_a_button(client: FlaskClient) -> None:
    page = client.get("/training").text
    assert "Retrain now" in page
    assert "No training has ended yet" in page


def test_where_nothing_can_be_trained_the_page_says_what_to_do(
    services: Services, visit: Callable[[Services], FlaskClient]
) -> None:
    services.retrain.why_not = "model-build is not installed here: pip install 'soundpost[train]'"  # type: ignore[attr-defined]
    client = visit(services)
    page = client.get("/training").text
    assert "Model-build is not installed here: pip install &#39;soundpost[train]&#39;." in page
    assert "Retrain now" not in page
    answer = post(client, "/training", "/training")
    assert answer.status_code == 400
    assert "not installed" in answer.text
    assert client.get("/api/v1/trainings").json["missing"].startswith("model-build is not")


def test_what_runs_is_drawn(services: Services, visit: Callable[[Services], FlaskClient]) -> None:
    services.retrain.trainings[4] = a_training(4)  # type: ignore[attr-defined]
    client = visit(services)
    for path in ("/training", "/training/now"):
        page = client.get(path).text
        assert "epoch 3 of 4" in page
        assert "about 1 min 1 s left" in page
        assert "curve-accuracy" in page
    assert "Retrain now" not in client.get("/training").text
    told = client.get("/api/v1/trainings/4").json
    assert told is not None
    assert told["progress"]["curve"][2] == {"epoch": 3, "loss": 1 / 3, "validation_accuracy": 1 - 0.4 / 3}
    assert "pid" not in told


def test_who_signed_in_is_recorded(services: Services) -> None:
    client = signed_in(create_app(services), "Mia K.")
    assert "Recorded in your name, <strong>Mia K.</strong>" in client.get("/training").text
    assert post(client, "/training", "/training", who="somebody else").status_code == 302
    assert services.retrain.newest()[0].who == "Mia K."
    answer = post(client, "/training/1/cancel", "/training")
    assert answer.status_code == 302
    assert services.retrain.newest()[0].cancelled_by == "Mia K."


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/releases/7", 404),
        ("/releases/compare?a=1&b=2", 404),
        ("/releases/compare?a=1", 400),
        ("/releases/compare?a=x&b=2", 400),
        ("/api/v1/trainings/9", 404),
        ("/api/v1/releases/9", 404),
        ("/api/v1/releases/compare", 400),
        ("/api/v1/snapshots/9", 404),
    ],
)
def test_what_is_not_there_is_said(client: FlaskClient, path: str, status: int) -> None:
    assert client.get(path).status_code == status


def test_deciding_needs_the_token(client: FlaskClient) -> None:
    assert client.post("/releases/1/decide", data={"decision": "accept"}).status_code == 400
    assert client.post("/training").status_code == 400


def test_the_curve() -> None:
    assert curve_chart(Progress()) is None
    lone = curve_chart(Progress(epochs=10, curve=(CurvePoint(epoch=1, loss=2.0, validation_accuracy=None),)))
    assert lone is not None
    assert (lone.loss, lone.accuracy) == ("50.0,0.0 100.0,0.0", "")
    points = tuple(CurvePoint(epoch=e, loss=4.0 / e, validation_accuracy=e / 4) for e in (1, 2, 4))
    chart = curve_chart(Progress(epochs=4, curve=points))
    assert chart is not None
    assert chart.accuracy == "250.0,75.0 500.0,50.0 1000.0,0.0"
    assert chart.loss == "250.0,0.0 500.0,50.0 1000.0,75.0"
    assert [tick.text for tick in chart.ticks] == ["1", "2", "3", "4"]


@pytest.fixture
def workshop(tmp_path: Path) -> Iterator[Workshop]:
    made = Workshop(tmp_path)
    yield made
    made.close()


@pytest.fixture
def reader(workshop: Workshop) -> Iterator[FlaskClient]:
    services = bootstrap.services(workshop.settings, workshop.database)
    services.accounts.set(world.PASSWORD)
    yield signed_in(create_app(services))
    services.live.close()


def test_a_candidate_is_shown_and_decided_on(workshop: Workshop, reader: FlaskClient) -> None:
    workshop.trainings.ask("mia")
    workshop.work()
    assert 'href="/releases/2"' in reader.get("/training").text
    listed = reader.get("/releases").text
    assert "keywords@1.0.0+" in listed
    assert "in service" in listed
    page = reader.get("/releases/2").text
    assert "The gate passes this candidate" in page
    assert "passed: false alarms per hour stayed at 0.3 in 10 h" in page
    assert "Right on base clips" in page
    assert "92.5 % of 200" in page
    assert "confusion" in page
    assert post(reader, "/releases/2/decide", "/releases/2", decision="refuse").status_code == 400
    answer = post(reader, "/releases/2/decide", "/releases/2", decision="accept")
    assert answer.status_code == 302
    told = reader.get("/api/v1/releases/2").json
    assert told is not None
    assert (told["release"]["state"], told["release"]["in_service"]) == ("accepted", True)
    assert (told["decisions"][0]["who"], told["decisions"][0]["over_refusal"]) == ("admin", False)
    assert told["parent_id"] == 1
    snapshot = reader.get(f"/api/v1/snapshots/{told['release']['snapshot_id']}").json
    assert snapshot is not None
    assert snapshot["windows"] == 12


def test_a_poisoned_candidate_is_refused_with_its_reason_on_the_page(
    workshop: Workshop, reader: FlaskClient
) -> None:
    workshop.poison()
    workshop.trainings.ask("mia")
    workshop.work()
    page = reader.get("/releases/2").text
    assert "The gate refuses this candidate" in page
    assert "refused: false alarms per hour rose from 0.3 to 2.1 in 10 h, more than chance explains" in page
    assert "refused: accuracy on base clips fell from 92.5 to 65 % of 200, more than chance explains" in page
    assert post(reader, "/releases/2/decide", "/releases/2", decision="accept").status_code == 400
    answer = post(reader, "/releases/2/decide", "/releases/2", decision="accept", reason="a quiet barn <b>")
    assert answer.status_code == 302
    page = reader.get("/releases/2").text
    assert "<strong>over the refusal</strong> by admin" in page
    assert "“a quiet barn &lt;b&gt;”" in page
    compared = reader.get("/releases/compare?a=2&b=1").text
    assert "Release 2 against 1" in compared
    assert "refused: false alarms per hour" in compared
    told = reader.get("/api/v1/releases/compare?a=1&b=2").json
    assert told is not None
    assert (told["verdict"]["passed"], told["same_snapshot"]) == (True, True)


def test_reviews_that_contradict_each_other_can_be_looked_at_again(
    workshop: Workshop, reader: FlaskClient
) -> None:
    reviews = [
        {
            "window_id": number,
            "truth": "yes",
            "others": "no" if number in (3, 7, 8) else "yes",
            "doubt": number,
        }
        for number in range(1, 10)
    ]
    plan = json.loads(workshop.base.read_text())
    workshop.plan(candidate=plan["candidate"] | {"reviews": reviews})
    workshop.trainings.ask("mia")
    workshop.work()
    page = reader.get("/releases/2").text
    assert "66.7 % of 9 reviews are what all others say of these windows" in page
    places = [page.index(f'href="/review/cards/{number}"') for number in (8, 7, 3)]
    assert places == sorted(places)
    assert page.count('href="/review/cards/') == 3


def test_a_failed_training_quotes_the_factory(workshop: Workshop, reader: FlaskClient) -> None:
    workshop.plan(behaviour="crash")
    workshop.trainings.ask("mia")
    workshop.work()
    page = reader.get("/training").text
    assert "model-build retrain failed with exit status 7" in page
    assert "Traceback: the roof fell in" in page
