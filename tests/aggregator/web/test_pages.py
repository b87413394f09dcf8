from collections.abc import Callable

import numpy as np
import pytest
from flask.testing import FlaskClient

from aggregator.errors import StoreError
from aggregator.services.catalogue import Services
from aggregator.services.fleet import GapView
from contract.manifest import ANOMALY_LABELS
from tests.aggregator.web import world
from tests.aggregator.web.conftest import token_of

HOSTILE = "<img src=x onerror=alert(1)>\"'&"
Visit = Callable[[Services], FlaskClient]


def test_the_fleet_shows_each_node_and_what_it_heard_last(client: FlaskClient) -> None:
    page = client.get("/").text
    assert "2 nodes, 1 online" in page
    assert 'data-node="attic" data-status="online"' in page
    assert 'data-node="hall" data-status="offline"' in page
    assert "−41 dB" in page
    assert 'src="/windows/2.png?size=thumb"' in page


def test_an_empty_fleet_says_how_to_start_a_node(visit: Visit) -> None:
    page = visit(world.a_world()).get("/").text
    assert "edge-agent run --config agent.toml" in page


def test_what_is_wrong_with_a_node_is_said(visit: Visit) -> None:
    node = world.a_node("attic", problems=("the disk is full",), gaps=1234, input_state="flat")
    page = visit(world.a_world([node])).get("/").text
    assert "the disk is full" in page
    assert "1\u202f234" in page
    assert "input is flat" in page


def test_live_lists_the_newest(client: FlaskClient) -> None:
    page = client.get("/live").text
    assert page.index('data-id="3"') < page.index('data-id="1"')
    assert 'aria-live="polite"' in page


def test_empty_pages_say_what_to_do_next(visit: Visit) -> None:
    client = visit(world.a_world())
    assert "Leave this page open" in client.get("/live").text
    assert "Nothing detected yet" in client.get("/detections").text
    assert "clear the filter" in client.get("/detections?label=dog").text


def test_detections_are_filtered(client: FlaskClient) -> None:
    page = client.get("/detections?label=rain&node=hall&min_posterior=0.5").text
    assert page.count('class="heard"') == 1
    assert '<option value="rain" selected>' in page
    assert 'href="/detections.csv?node=hall&amp;label=rain&amp;min_posterior=0.5"' in page
    assert client.get("/detections?min_posterior=0.7").text.count('class="heard"') == 2
    assert client.get("/detections?since=2023-11-14T22:13:22").text.count('class="heard"') == 2
    assert client.get("/detections?until=2023-11-14T23:13:22&offset_min=60").text.count('class="heard"') == 1


@pytest.mark.parametrize(
    "query", ["min_posterior=2", "min_posterior=nan", "since=soon", "cursor=mine", "offset_min=x"]
)
def test_a_filter_that_cannot_be_read_is_refused_in_words(client: FlaskClient, query: str) -> None:
    answer = client.get(f"/detections?{query}")
    assert answer.status_code == 400
    assert "That did not work" in answer.text
    assert client.get(f"/api/v1/detections?{query}").mimetype == "application/problem+json"


def test_pages_follow_each_other(visit: Visit) -> None:
    client = visit(world.a_world(heard=[world.a_detection(number) for number in range(1, 121)]))
    first = client.get("/detections?label=dog").text
    assert 'data-id="120"' in first
    assert 'rel="prev"' not in first
    assert 'href="/detections?label=dog&amp;cursor=%3C71"' in first
    last = client.get("/detections?label=dog&cursor=%3C21").text
    assert 'rel="next"' not in last
    assert 'rel="prev"' in last


def test_a_detection_shows_its_window(client: FlaskClient) -> None:
    page = client.get("/detections/1").text
    assert 'src="/windows/1.png?size=full"' in page
    assert "2 kHz" in page
    assert "threshold 50 %" in page
    assert "Posterior of dog" in page
    assert 'href="/detections/2"' in page


def test_a_detection_without_window_says_so_and_waits(client: FlaskClient) -> None:
    page = client.get("/detections/3").text
    assert "No spectrogram yet" in page
    assert 'data-waits="3"' in page


def test_a_window_without_posteriors_is_shown(visit: Visit) -> None:
    window = world.a_window(1)
    bare = world.a_window(1, posteriors=window.posteriors[:0])
    page = (
        visit(world.a_world(heard=[world.a_detection(1, window_id=1)], windows=[bare]))
        .get("/detections/1")
        .text
    )
    assert "sent no posteriors" in page


def test_an_anomaly_shows_its_score_and_threshold(visit: Visit) -> None:
    shown = world.a_window(1)
    scores = np.concatenate([1 - shown.posteriors[:, :1], shown.posteriors[:, :1]], axis=1)
    heard = world.a_detection(
        1, label="anomaly", posterior=0.934, threshold=0.8, model="pump@1.0.0", window_id=1
    )
    window = world.a_window(1, labels=ANOMALY_LABELS, posteriors=scores.astype(np.float32))
    client = visit(world.a_world(heard=[heard], windows=[window]))
    page = " ".join(client.get("/detections/1").text.split())
    assert 'score <span class="number strong">0.93</span>, threshold <span class="number">0.80</span>' in page
    assert "<dt>Score</dt><dd>0.93</dd>" in page
    assert "Score of anomaly" in page
    assert "osterior" not in page
    assert '<span class="number">0.93</span>' in client.get("/live").text


@pytest.mark.parametrize("span", ["10 minutes", "hour", "day", "week", "century", ""])
def test_a_node_shows_its_past(client: FlaskClient, span: str) -> None:
    page = client.get(f"/nodes/attic?span={span}").text
    assert 'class="level-line"' in page
    assert "× dog" in page
    assert "Raspberry Pi 4" in page
    assert "everything this node heard has arrived" in page


def test_gaps_are_listed(visit: Visit) -> None:
    gap = GapView(reason="outbox_full", start_s=1.0, end_s=2.0, count=7)
    page = visit(world.a_world([world.a_node("attic")], gaps=(gap,))).get("/nodes/attic").text
    assert "outbox was full" in page


def test_a_policy_is_sent_as_command(services: Services, client: FlaskClient) -> None:
    token = token_of(client.get("/nodes/attic").text)
    answer = client.post(
        "/nodes/attic/publish", data={"csrf_token": token, "publish": "all"}, follow_redirects=True
    )
    assert "attic has been asked to publish “all”" in answer.text
    assert "waits for the node" in answer.text
    refused = client.post("/nodes/attic/publish", data={"csrf_token": token, "publish": "everything"})
    assert refused.status_code == 400
    client.post("/nodes/attic/report", data={"csrf_token": token})
    queued = services.commands.queued  # type: ignore[attr-defined]
    assert [(one.action, one.publish) for one in queued] == [("set_publish", "all"), ("report", None)]
    assert client.post("/nodes/nobody/report", data={"csrf_token": token}).status_code == 404


@pytest.mark.parametrize(
    "path", ["/nowhere", "/nodes/nobody", "/detections/99", "/windows/99.png", "/api/v1/nowhere",
             "/api/v1/nodes/nobody", "/api/v1/detections/99",
             "/api/v1/windows/99", "/api/v1/windows/99/features"],
)  # fmt: skip
def test_what_is_not_there(client: FlaskClient, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 404
    if path.startswith("/api/"):
        assert answer.json is not None
        assert answer.json["status"] == 404
    else:
        assert "Nothing here" in answer.text


def test_what_nodes_say_is_never_markup(visit: Visit) -> None:
    node = world.a_node(
        "attic", site=HOSTILE, model=HOSTILE, input=HOSTILE, problems=(HOSTILE,), labels=(HOSTILE,)
    )
    window = world.a_window(1, labels=(HOSTILE, "rain", "x"), model=HOSTILE)
    heard = world.a_detection(1, label=HOSTILE, model=HOSTILE, window_id=1)
    client = visit(world.a_world([node], [heard], [window]))
    paths = ("/", "/live", "/detections", "/detections/1", "/nodes/attic", f"/detections?label={HOSTILE}")
    for path in paths:
        page = client.get(path).text
        assert "<img src=x" not in page, path
        assert "&lt;img src=x" in page, path


def test_a_broken_store_is_told_apart_from_a_broken_program(
    services: Services, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away() -> None:
        raise StoreError("the database is locked")

    def bug() -> None:
        raise RuntimeError("secret detail")

    monkeypatch.setattr(services.fleet, "nodes", away)
    assert client.get("/").status_code == 503
    assert "The database is locked." in client.get("/").text
    assert client.get("/api/v1/nodes").json["detail"] == "The database is locked."  # type: ignore[index]
    monkeypatch.setattr(services.fleet, "nodes", bug)
    answer = client.get("/")
    assert answer.status_code == 500
    assert "secret detail" not in answer.text
    assert "Something broke" in answer.text


def test_arrivals_tell_what_became_of_messages(client: FlaskClient) -> None:
    page = client.get("/arrivals").text
    assert "80 ms" in page
    assert "a/v1/b/gap" in page
    assert 'href="/detections?node=attic&amp;label=dog"' in page


def test_health_needs_no_password(services: Services) -> None:
    from aggregator.web import create_app

    assert create_app(services).test_client().get("/healthz").json == {"status": "ok"}
