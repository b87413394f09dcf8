import json
from typing import Any

from flask.testing import FlaskClient

from aggregator.services.catalogue import Services
from aggregator.services.live import LiveChange, WindowArrival
from aggregator.web.events import MOST_LISTENERS
from tests.aggregator.web import world


def events(text: str) -> list[dict[str, Any]]:
    """The events of a stream: the fields of each."""
    blocks = [
        dict(line.split(": ", 1) for line in block.splitlines()) for block in text.strip().split("\n\n")
    ]
    return [{**block, "data": json.loads(block["data"])} for block in blocks if "data" in block]


def test_a_connection_begins_with_what_is(client: FlaskClient) -> None:
    answer = client.get("/events")
    assert answer.mimetype == "text/event-stream"
    snapshot = events(answer.text)[0]["data"]
    assert [node["name"] for node in snapshot["nodes"]] == ["attic", "hall"]
    assert [heard["id"] for heard in snapshot["detections"]] == [1, 2, 3], "oldest first"
    assert snapshot["windows"] == [{"window": 2, "detection": 2}, {"window": 1, "detection": 1}]


def test_news_carry_the_html_of_the_pages(services: Services, client: FlaskClient) -> None:
    change = LiveChange(
        cursor="c7",
        detections=(world.a_detection(9, label="siren_far"),),
        windows=(WindowArrival(window_id=5, detection_id=9),),
        nodes=(world.a_node("attic", level_dbfs=-12.0),),
    )
    services.live.changes.put(change)  # type: ignore[attr-defined]
    event = events(client.get("/events").text)[1]
    assert event["id"] == "c7"
    assert event["event"] == "change"
    heard = event["data"]["detections"][0]
    assert heard["label"] == "siren far"
    assert 'href="/detections/9"' in heard["row"]
    assert "−12 dB" in event["data"]["nodes"][0]["html"]
    assert event["data"]["windows"] == [{"window": 5, "detection": 9}]


def test_silence_is_filled_with_comments(services: Services, client: FlaskClient) -> None:
    services.live.changes.put(None)  # type: ignore[attr-defined]
    assert client.get("/events").text.count(": still here") == 2


def test_a_reader_goes_on_where_it_was(services: Services, client: FlaskClient) -> None:
    client.get("/events", headers={"Last-Event-ID": "c3"}).get_data()
    client.get("/events?after=c4").get_data()
    live = services.live
    assert live.cursors == ["c3", "c4"]  # type: ignore[attr-defined]
    assert live.open == 0, "a stream that ended must leave the feed"  # type: ignore[attr-defined]


def test_html_in_events_is_escaped_too(services: Services, client: FlaskClient) -> None:
    hostile = "<img src=x onerror=alert(1)>"
    change = LiveChange(
        cursor="c1",
        detections=(world.a_detection(9, label=hostile),),
        windows=(),
        nodes=(world.a_node("attic", problems=(hostile,)),),
    )
    services.live.changes.put(change)  # type: ignore[attr-defined]
    news = events(client.get("/events").text)[1]["data"]
    for html in (news["detections"][0]["row"], news["detections"][0]["tile"], news["nodes"][0]["html"]):
        assert "<img src=x" not in html
        assert "&lt;img src=x" in html


def test_streams_leave_threads_for_the_pages(client: FlaskClient) -> None:
    held = [client.get("/events") for _ in range(MOST_LISTENERS)]
    refused = client.get("/events")
    assert refused.status_code == 503
    assert refused.mimetype == "application/problem+json"
    held[0].close()
    assert client.get("/events").status_code == 200
