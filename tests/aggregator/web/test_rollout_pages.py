"""Pages of rollouts, and their JSON API, over a real store and the real rules."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from aggregator import bootstrap
from aggregator.settings import Settings, Store
from aggregator.store.database import Database
from aggregator.web import create_app
from tests.aggregator import messages
from tests.aggregator.rolling import NEW, NEWER, Rolling
from tests.aggregator.web import world
from tests.aggregator.web.conftest import signed_in, token_of

NAMES = ("attic", "barn", "cave")


@pytest.fixture
def rolling(database: Database) -> Rolling:
    made = Rolling(database)
    made.nodes(*NAMES)
    return made


@pytest.fixture
def client(rolling: Rolling, tmp_path: Path) -> FlaskClient:
    services = bootstrap.services(Settings(store=Store(folder=str(tmp_path))), rolling.database)
    accounts = world.FakeAccounts(world.PASSWORD)
    mine = replace(
        services, accounts=accounts, rollouts=rolling.rollouts, pins=rolling.pins, audit=rolling.audit
    )
    return signed_in(create_app(mine), "Ada")


def send(client: FlaskClient, path: str, page: str = "/rollouts", **form: str) -> str:
    """The page that a form leads to."""
    answer = client.post(
        path, data={"csrf_token": token_of(client.get(page).text), **form}, follow_redirects=True
    )
    assert answer.status_code == 200, answer.text
    return answer.text


def form(**more: str) -> dict[str, str]:
    return {
        "release": NEW,
        "waves": "canary=1, success=100%\nall=100%",
        "percent": "100",
        "seed": "seed",
    } | more


def test_who_would_not_be_told_yet_is_shown_before_it_is_begun(client: FlaskClient, rolling: Rolling) -> None:
    rolling.nodes("mute", takes_updates=False)
    page = send(client, "/rollouts/new", **form())
    assert '<li data-held-back="skipped">mute: it takes no updates: [update] root is not set there' in page


def test_a_rollout_is_shown_before_it_is_begun(client: FlaskClient, rolling: Rolling) -> None:
    page = send(client, "/rollouts/new", **form(tags="north"))
    assert "This would happen" in page
    assert 'data-wave="canary"' in page
    assert rolling.rollouts.every() == []
    page = send(client, "/rollouts/new", **form(tags="north", begin="yes"))
    assert "Rollout 1 has begun" in page
    assert rolling.rollouts.get(1).who == "Ada"


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        ({"waves": "canary"}, "a wave begins with its name and size"),
        ({"waves": ""}, "a rollout has 1 to 20 waves"),
        ({"tags": "south"}, "no node has the tag"),
        ({"percent": "many"}, "is no percentage of the targets"),
        ({"release": ""}, "no published bundle is called"),
    ],
)
def test_what_cannot_be_is_said_and_nothing_is_lost(
    client: FlaskClient, rolling: Rolling, more: dict[str, str], sentence: str
) -> None:
    token = token_of(client.get("/rollouts").text)
    filled = form(name="a <b>name</b>") | more
    answer = client.post("/rollouts/new", data={"csrf_token": token, "begin": "yes", **filled})
    assert answer.status_code == 400
    assert sentence in answer.text
    assert "a &lt;b&gt;name&lt;/b&gt;" in answer.text
    assert rolling.rollouts.every() == []


def test_a_failing_canary_is_seen_with_its_reason(client: FlaskClient, rolling: Rolling) -> None:
    number = rolling.make()
    rolling.tick()
    (first,) = rolling.told()
    rolling.say(first, "rolled_back", reason="deaf <script>")
    rolling.tick()
    page = client.get(f"/rollouts/{number}").text
    assert "Wave canary: 1 of 1 nodes failed, at most 5 % may." in page
    assert "deaf &lt;script&gt;" in page
    assert f'data-node="{first}"' in client.get(f"/rollouts/{number}/now?state=failed").text
    others = client.get(f"/rollouts/{number}/now?state=waiting").text
    assert f'data-node="{first}"' not in others
    assert "1 of 1 failed" in client.get("/rollouts").text


@pytest.mark.parametrize(
    ("order", "state"),
    [("pause", "paused"), ("halt", "halted"), ("cancel", "cancelled"), ("rollback", "halted")],
)
def test_each_order_asks_first_and_is_recorded(
    client: FlaskClient, rolling: Rolling, order: str, state: str
) -> None:
    number = rolling.make()
    rolling.tick()
    ask = f"/rollouts/{number}/ask/{order}"
    assert "is recorded" in client.get(ask).text
    send(client, f"/rollouts/{number}/{order}", ask, reason="a reason")
    assert rolling.rollouts.get(number).state == state
    log = client.get("/audit").text
    assert f"rollout.{order}" in log
    assert "a reason" in log
    assert "nothing changed or taken out" in log
    assert client.get(f"/rollouts/{number}/ask/explode").status_code == 404


def test_an_order_that_makes_no_sense_is_refused(client: FlaskClient, rolling: Rolling) -> None:
    number = rolling.make()
    token = token_of(client.get("/rollouts").text)
    answer = client.post(f"/rollouts/{number}/resume", data={"csrf_token": token})
    assert answer.status_code == 400
    assert "only a paused one can be resumed" in answer.text
    assert client.get("/rollouts/99").status_code == 404


def order(client: FlaskClient, path: str, status: int = 200, **fields: str) -> Any:
    """What the API answers to an order."""
    token = client.get("/api/v1/session").get_json()["csrf_token"]
    answer = client.post(f"/api/v1/rollouts/{path}", data={"csrf_token": token, **fields})
    assert answer.status_code == status, answer.text
    return answer.get_json()


def test_programs_read_rollouts(client: FlaskClient, rolling: Rolling) -> None:
    number = rolling.make("canary=2, errors=100%", "all=100%, hours=22:00-05:00", zone="Europe/Berlin")
    rolling.tick()
    first, second = rolling.told()
    rolling.say(first, "rolled_back", reason="deaf")
    rolling.say(second, "downloading", done_bytes=10, total_bytes=400_000)
    rolling.tick()
    [one] = client.get("/api/v1/rollouts").get_json()["items"]
    assert (one["id"], one["state"], one["who"], one["zone"]) == (number, "running", "ada", "Europe/Berlin")
    assert [(wave["name"], wave["number"], wave["state"]) for wave in one["waves"]] == [
        ("canary", 1, "running"), ("all", 2, "waiting"),
    ]  # fmt: skip
    assert (one["waves"][0]["counts"]["failed"], one["waves"][1]["counts"]["waiting"]) == (1, 1)
    path = f"/api/v1/rollouts/{number}"
    everybody = client.get(path).get_json()
    assert everybody["rollout"] == one
    assert [node["state"] for node in everybody["nodes"]] == ["failed", "assigned", "waiting"]
    assert (everybody["nodes"][0]["reason"], everybody["nodes"][1]["done_bytes"]) == ("deaf", 10)
    some = client.get(f"{path}?wave=1&limit=1").get_json()
    assert (len(some["nodes"]), some["nodes_left"]) == (1, True)
    assert client.get(f"{path}?state=failed").get_json()["nodes"] == everybody["nodes"][:1]
    assert client.get("/api/v1/rollouts/99").status_code == 404
    rolling.pins.pin(first, "ada", reason="under test")
    assert client.get("/api/v1/pins").get_json()["items"][0]["node"] == first


def test_programs_steer_rollouts_as_the_commands_do(client: FlaskClient, rolling: Rolling) -> None:
    number = rolling.make("canary=1", "all=100%")
    assert order(client, f"{number}/pause", reason="a storm", reviewer="Bo")["state"] == "paused"
    refused = order(client, f"{number}/pause", 400)
    assert refused["detail"] == f"Rollout {number} is paused: only one that runs can be paused."
    assert order(client, f"{number}/resume")["state"] == "running"
    rolling.tick()
    [first] = rolling.told()
    rolling.say(first, "refused", reason="no")
    rolling.tick()
    assert order(client, f"{number}/retry")["state"] == "running"
    rolling.tick()
    rolling.say(first, "confirmed")
    rolling.tick()
    assert order(client, f"{number}/halt")["state"] == "halted"
    order(client, f"{number}/rollback", 400, release="nothing@1")
    assert client.post(f"/api/v1/rollouts/{number}/halt").status_code == 400, "without a token"
    order(client, f"{number}/explode", 404)
    order(client, "99/halt", 404)
    again = rolling.make("all=100%")
    assert order(client, f"{again}/cancel")["state"] == "cancelled"
    said = [(entry.who, entry.action) for entry in reversed(rolling.audit.newest())]
    assert [one for one in said if one[0] not in ("ada", "rollouts")] == [
        ("Ada", f"rollout.{what}") for what in ("pause", "resume", "retry", "halt", "cancel")
    ], "whoever is signed in, whatever name is sent"


def test_a_program_sends_nodes_back(client: FlaskClient, rolling: Rolling) -> None:
    first = rolling.make("all=100%")
    rolling.tick()
    for name in rolling.told():
        rolling.say(name, "confirmed")
    rolling.tick()
    second = rolling.make("all=100%", release=NEWER)
    rolling.tick()
    for name in rolling.told():
        rolling.say(name, "confirmed")
    rolling.tick()
    [back] = order(client, f"{second}/rollback", reason="deaf")["items"]
    assert (back["id"], back["model"]) == (second + 1, "sounds@2.a")
    assert back["waves"][0]["counts"]["waiting"] == len(NAMES)
    assert rolling.rollouts.get(first).state == "superseded"


def test_what_a_shadow_heard_leads_to_cards(client: FlaskClient, rolling: Rolling) -> None:
    number = rolling.make("ears=1, shadow=10m", "all=100%")
    rolling.tick()
    (first,) = rolling.told()
    said = [
        messages.shadow(80), messages.disagreement(81),
        messages.features(82, reason="disagreement", detection=None),
        messages.disagreement(83, kind="lost", label="rain", start_s=messages.NOW_S - 900,
                              end_s=messages.NOW_S - 899),
    ]  # fmt: skip
    rolling.ingest.store([messages.incoming(one, first, received_s=rolling.now_s) for one in said])
    page = client.get(f"/rollouts/{number}").text
    assert "97.0 %" in page
    assert "label=rain&amp;kind=gained" in page
    heard = client.get(f"/rollouts/{number}/disagreements?label=dog&kind=gained").text
    assert "/review/cards/1" in heard
    assert "/windows/1.png" in heard
    assert "sent no window" in client.get(f"/rollouts/{number}/disagreements?kind=lost").text


def test_nodes_are_pinned_and_let_go(client: FlaskClient, rolling: Rolling) -> None:
    assert 'data-pin="attic"' in send(client, "/pins", node="attic", reason="under test")
    assert 'data-pin="attic"' not in send(client, "/pins/attic/remove")


def test_a_log_that_was_changed_shows_it(client: FlaskClient, rolling: Rolling) -> None:
    from sqlalchemy import text

    rolling.make()
    with rolling.database.write() as connection:
        connection.execute(text("UPDATE audit SET who = 'eve'"))
    assert "Entry 1 is not what was written" in client.get("/audit").text
