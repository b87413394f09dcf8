"""The policies on the dashboard: what is wanted, what is in force, and what to do about a mistake."""

import dataclasses
from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st

from aggregator.services.catalogue import Services
from aggregator.services.sampling import NodeSampling
from aggregator.web import sampling_form
from contract.sampling import Sampling
from tests.aggregator.web import world
from tests.aggregator.web.conftest import token_of

PLAIN = Sampling().to_plain()
TARGETS = {"/sampling/fleet": ("fleet", ""), "/sampling/tags/indoor": ("tag", "indoor"),
           "/nodes/attic/sampling": ("node", "attic")}  # fmt: skip


words = st.text("abc _-ü", min_size=1, max_size=9).map(str.strip).filter(bool)


@given(
    st.builds(
        Sampling,
        near_miss_low=st.integers(0, 1000).map(lambda value: value / 1000),
        near_miss_bytes_per_day=st.integers(0, 10**9),
        random_per_hour=st.integers(0, 36_000).map(lambda value: value / 100),
        private=st.lists(words, unique=True, max_size=50),
    )
)
def test_a_form_gives_back_what_it_shows(sampling: Sampling) -> None:
    assert sampling_form.read(sampling_form.shown(sampling)).sampling == sampling


def filled(**changes: str) -> dict[str, str]:
    return sampling_form.shown(Sampling()) | changes


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("near_miss_low", "1.2"), ("near_miss_low", ""), ("near_miss_low", "nan"), ("uncertain_margin", "x"),
        ("near_miss_bytes_per_day", "-1"), ("near_miss_bytes_per_day", "inf"), ("random_per_hour", "361"),
        ("private", "x" * 61), ("private", "\n".join(map(str, range(51)))), ("private_least", "2"),
    ],
)  # fmt: skip
def test_a_mistake_is_named_where_it_is_with_what_to_do(client: FlaskClient, name: str, text: str) -> None:
    read = sampling_form.read(filled(**{name: text}))
    assert (list(read.errors), read.sampling) == ([name], None)
    form = filled(**{name: text}, csrf_token=token_of(client.get("/sampling/fleet").text))
    answer = client.post("/sampling/fleet", data=form)
    assert answer.status_code == 400
    assert "Nothing was changed: 1 field needs mending." in answer.text
    assert f'aria-describedby="error-{name}"' in answer.text
    assert f'id="error-{name}">Write' in answer.text


def test_units_are_those_of_people() -> None:
    read = sampling_form.read(filled(near_miss_bytes_per_day=" 2,5 ", private=" dog \n\nrain\ndog\n"))
    assert read.sampling is not None
    assert (read.sampling.near_miss_bytes_per_day, read.sampling.private) == (2_500_000, ("dog", "rain"))
    assert sampling_form.shown(read.sampling)["near_miss_bytes_per_day"] == "2.5"


@pytest.mark.parametrize("path", TARGETS)
def test_a_policy_is_set_shown_and_removed(client: FlaskClient, services: Services, path: str) -> None:
    page = client.get(path).text
    assert "No policy of its own yet" in page
    form = filled(private="dog", csrf_token=token_of(page))
    answer = client.post(path, data=form, follow_redirects=True)
    assert "a new sampling policy" in answer.text
    assert ">dog</textarea>" in answer.text
    made = services.sampling.policy(*TARGETS[path])
    assert made is not None
    assert (made.sampling, made.set_by) == (Sampling(private=("dog",)), "admin")
    overview = client.get("/sampling").text
    assert f'href="{path}"' in overview
    gone = client.post(f"{path}/remove", data={"csrf_token": token_of(page)}, follow_redirects=True)
    assert "no sampling policy any more" in gone.text
    assert services.sampling.policies() == []


def test_a_private_label_that_no_model_knows_is_refused_beside_the_field(client: FlaskClient) -> None:
    page = client.get("/nodes/attic/sampling").text
    assert "Known: _background_, dog, rain" in page
    form = filled(private="<b>speech", csrf_token=token_of(page))
    answer = client.post("/nodes/attic/sampling", data=form)
    assert answer.status_code == 400
    assert 'id="error-private">No model there knows' in answer.text
    assert "<b>speech" not in answer.text


def test_a_policy_is_for_somebody(client: FlaskClient) -> None:
    assert client.get("/nodes/nobody/sampling").status_code == 404
    assert client.get("/api/v1/sampling/nodes/nobody").status_code == 404
    assert "No node carries this tag" in client.get("/sampling/tags/nowhere").text


STATES = [
    ({"standing": "in_force"}, "in force since"),
    ({"standing": "told"}, "told, waits for the node to confirm"),
    ({"standing": "waits", "online": False}, "waits for the node, which is offline"),
    ({"standing": "own"}, "its own settings"),
    ({"standing": "unable", "in_force": None}, "its agent is too old"),
    ({"standing": "in_force", "unknown": ("speech",)}, "does not know"),
]


@pytest.mark.parametrize(("state", "says"), STATES)
def test_what_is_in_force_is_said(
    visit: Callable[[Services], FlaskClient], state: dict[str, Any], says: str
) -> None:
    services = world.a_world(nodes=[world.a_node("attic")])
    whole = NodeSampling(
        node="attic", online=True, standing="in_force", wanted=None, in_force=Sampling(), since_s=1.7e9,
        unknown=(),
    )  # fmt: skip
    services.sampling.nodes = lambda *_: [dataclasses.replace(whole, **state)]  # type: ignore[method-assign]
    client = visit(services)
    for path in ("/nodes/attic", "/nodes/attic/sampling", "/sampling", "/sampling/fleet"):
        assert says in client.get(path).text, path


def test_the_form_of_a_node_begins_with_what_applies(client: FlaskClient, services: Services) -> None:
    services.sampling.put("fleet", "", Sampling(private=("rain",)), by="test")
    assert ">rain</textarea>" in client.get("/nodes/attic").text, "a private label is not lost on the way"
    assert ">rain</textarea>" in client.get("/sampling/tags/indoor").text


def test_a_window_says_why_it_was_sent(client: FlaskClient) -> None:
    assert "around a detection" in client.get("/detections/1").text


def headers(client: FlaskClient) -> dict[str, str]:
    answer = client.get("/api/v1/session").json
    assert answer is not None
    return {"X-CSRF-Token": answer["csrf_token"]}


@pytest.mark.parametrize("path", ["fleet", "tags/indoor", "nodes/attic"])
def test_the_api_sets_tells_and_removes(client: FlaskClient, path: str) -> None:
    address, said = f"/api/v1/sampling/{path}", headers(client)
    assert client.get(address).status_code == 404
    body = PLAIN | {"private": ["dog"]}
    put = client.put(address, json=body, headers=said)
    assert put.status_code == 200
    assert put.json == client.get(address).json
    assert put.json is not None
    assert (put.json["sampling"], put.json["set_by"]) == (body, "admin")
    overview = client.get("/api/v1/sampling").json
    assert overview is not None
    assert overview["policies"] == [put.json]
    assert [node["node"] for node in overview["nodes"]] == ["attic", "hall"]
    assert client.delete(address, headers=said).status_code == 204
    assert client.delete(address, headers=said).status_code == 404


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ([], "Expected a map"),
        ({}, "Missing field 'near_miss_low'"),
        (PLAIN | {"extra": 1}, "Unknown field 'extra'"),
        ({key: value for key, value in PLAIN.items() if key != "private"}, "Missing field 'private'"),
        (PLAIN | {"private_least": 2}, "Private_least: must be a finite number from 0 to 1"),
        (PLAIN | {"private": ["speech"]}, "knows the private label"),
    ],
)
def test_the_api_refuses_in_words(client: FlaskClient, body: Any, says: str) -> None:
    answer = client.put("/api/v1/sampling/fleet", json=body, headers=headers(client))
    assert (answer.status_code, answer.mimetype) == (400, "application/problem+json")
    assert answer.json is not None
    assert says in answer.json["detail"]


def test_the_api_asks_for_the_token_and_for_json(client: FlaskClient) -> None:
    for forged in ({}, {"X-CSRF-Token": "forged"}):
        assert client.put("/api/v1/sampling/fleet", json=PLAIN, headers=forged).status_code == 400
        assert client.delete("/api/v1/sampling/fleet", headers=forged).status_code == 400
    assert client.put("/api/v1/sampling/fleet", data="x", headers=headers(client)).status_code == 415
    broken = headers(client) | {"Content-Type": "application/json"}
    assert client.put("/api/v1/sampling/fleet", data="{", headers=broken).status_code == 400
