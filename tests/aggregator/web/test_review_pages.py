"""The pages of reviewing, over a real store, as a browser without scripts sees them; and their JSON API."""

import io
import re
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
from tests.aggregator.heard import Heard
from tests.aggregator.web import world
from tests.aggregator.web.conftest import signed_in, token_of

HOSTILE = "<b>owl</b>"
JSON = {"Accept": "application/json"}


@pytest.fixture
def heard(database: Database) -> Heard:
    """Three windows, of which two look the same, and one of another front end."""
    made = Heard(database)
    made.node("attic", "Loft")
    made.window(posteriors=(0.5, 0.4, 0.1))
    made.window(posteriors=(0.8, 0.1, 0.1), pattern=7)
    made.window(posteriors=(0.8, 0.1, 0.1), pattern=7)
    made.window(posteriors=(0.9, 0.1, 0.0), frontend_digest="ef" * 32)
    made.cards()
    return made


@pytest.fixture
def store_services(database: Database, tmp_path: Path) -> Services:
    """All of the store's, but for the password, whose hashing takes its time."""
    made = bootstrap.services(Settings(store=Store(folder=str(tmp_path))), database)
    made.live.close()
    return replace(made, accounts=world.FakeAccounts())  # type: ignore[arg-type]


@pytest.fixture
def app(heard: Heard, store_services: Services) -> Flask:
    return create_app(store_services)


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """Ada, who signed in."""
    return signed_in(app, "Ada")


def window_of(page: str) -> int:
    found = re.search(r'name="window" value="(\d+)"', page)
    assert found
    return int(found[1])


def post(client: FlaskClient, address: str, headers: dict[str, str] | None = None, **form: object) -> object:
    token = token_of(client.get("/review").text)
    return client.post(address, data={"csrf_token": token, **form}, headers=headers)


def test_a_card_shows_what_is_known(client: FlaskClient) -> None:
    page = client.get("/review").text
    assert window_of(page) == 1
    assert 'src="/windows/1.png?size=full"' in page
    assert "You are <strong>Ada</strong>" in page
    assert "<kbd>1</kbd> <span>dog</span>" in page
    assert "around a detection" in page
    assert "Loft" in page
    assert "50 %" in page
    assert 'aria-current="page">Review' in page


def test_a_hundred_cards_can_be_answered_without_scripts(
    client: FlaskClient, store_services: Services
) -> None:
    said = []
    for answer in ("label:2", "accept_group", "none"):
        window = window_of(client.get("/review").text)
        told = post(client, "/review/answer", window=window, said=answer)
        assert (told.status_code, told.headers["Location"]) == (303, "/review")  # type: ignore[attr-defined]
        said.append(window)
    page = client.get("/review").text
    assert "All answered" in page
    assert "None of them kept." in page
    token = token_of(page)
    undone = client.post("/review/undo", data={"csrf_token": token})
    assert undone.headers["Location"] == f"/review/cards/{said[-1]}"
    assert f'name="window" value="{said[-1]}"' in client.get(undone.headers["Location"]).text
    answers = client.get("/review/answers").text
    assert answers.count("<td>Ada</td>") == 5, "four answers, and Ada herself"
    assert 'class="undone"' in answers


def test_a_script_is_told_the_next_card(client: FlaskClient) -> None:
    page = client.get("/review").text
    first = window_of(page)
    ahead = client.get(f"/review/next?beside={first}").json
    assert ahead is not None
    second = window_of(ahead["card"])
    assert second != first
    told = post(
        client, "/review/answer", headers=JSON, window=first, said="skip", beside=[first, second]
    ).json  # type: ignore[attr-defined]
    assert told["told"] == "Skipped."
    assert window_of(told["card"]) not in (first, second)
    assert token_of(told["card"]) == token_of(page)
    wrong = post(client, "/review/answer", headers=JSON, window=99, said="none")
    assert wrong.status_code == 404  # type: ignore[attr-defined]
    assert "not stored any more" in wrong.json["detail"]  # type: ignore[attr-defined]
    back = post(client, "/review/undo", headers=JSON).json  # type: ignore[attr-defined]
    assert window_of(back["card"]) == first


def test_labels_are_added_changed_and_merged_after_a_warning(
    client: FlaskClient, store_services: Services
) -> None:
    added = post(client, "/review/labels", name=HOSTILE, description="tawny", digit="1")
    assert added.headers["Location"] == "/review/labels"  # type: ignore[attr-defined]
    page = client.get("/review/labels").text
    assert HOSTILE not in page
    assert "&lt;b&gt;owl&lt;/b&gt;" in page
    owl = next(label for label in store_services.labels.labels() if label.name == HOSTILE)
    post(client, f"/review/labels/{owl.id}", name="owl", description="", digit="", private="1")
    assert '<span class="tag">private</span>' in client.get("/review/labels").text
    window = window_of(client.get("/review").text)
    post(client, "/review/answer", window=window, said=f"label:{owl.id}")
    plan = client.get(f"/review/labels/{owl.id}/merge?into=1").text
    assert "Merge “owl” into “dog”?" in plan
    assert "“dog” becomes private" in plan
    post(client, f"/review/labels/{owl.id}/merge", into=1)
    assert "“owl” counts as “dog” from now on, with its 1 answer." in client.get("/review/labels").text
    for form in ({"name": "dog"}, {"name": "_x_"}, {"name": "elk", "digit": "12"}):
        assert post(client, "/review/labels", **form).status_code == 400  # type: ignore[attr-defined]


def test_the_data_set_is_shown_per_front_end(client: FlaskClient, store_services: Services) -> None:
    store_services.review.answer(1, "Ada", "label", label_id=2)
    store_services.review.answer(2, "Ada", "label", label_id=1)
    store_services.review.answer(2, "Bo", "none")
    page = client.get("/dataset").text
    assert "settle these" in page
    assert "“rain” has 1 window; below 20" in page
    assert "Not answered yet: dog, none of them." in page
    other = re.search(r'href="(/dataset\?frontend=[ef]+)"', page)
    assert other
    assert "<dd>1</dd>" in client.get(other[1]).text
    assert "A tie: nothing is learned from it" in client.get("/review/disagreements").text


def test_files_come_and_go(client: FlaskClient) -> None:
    token = token_of(client.get("/dataset/files").text)
    content = b"1\t1.5\tdog\nbad line\n" + b"\n" * 200_000
    form = {
        "csrf_token": token,
        "format": "audacity",
        "node": "attic",
        "start": "2027-01-14T08:00:09",
        "file": (io.BytesIO(content), "mine.txt"),
    }
    page = client.post("/dataset/labels", data=form).text
    assert "mine.txt, line 2" in page
    assert "Undo this import" in page
    made = client.get("/dataset/labels?format=csv")
    assert made.mimetype == "text/csv"
    assert made.text.splitlines()[1].endswith(",dog,Ada,1")
    assert "labels.csv" in made.headers["Content-Disposition"]
    batch = re.search(r'name="batch" value="(\w+)"', page)
    assert batch
    client.post("/dataset/labels/undo", data={"csrf_token": token, "batch": batch[1]})
    assert len(client.get("/dataset/labels?format=csv").text.splitlines()) == 1
    assert client.get("/dataset/labels?format=audacity").status_code == 400
    assert client.get("/dataset/labels?format=raven&start=soon").status_code == 400
    assert client.post("/dataset/labels", data={"csrf_token": token}).status_code == 400


PAGES = (
    "/review", "/review/cards/2", "/review/labels", "/review/labels/1", "/review/labels/1/merge?into=2",
    "/review/disagreements", "/review/answers", "/dataset", "/dataset/files",
)  # fmt: skip


@pytest.mark.parametrize("path", PAGES)
def test_no_page_needs_inline_code_or_another_host(client: FlaskClient, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 200
    assert " style=" not in answer.text
    assert " onclick=" not in answer.text
    assert answer.text.count("<script") == answer.text.count('<script type="module" src="/static/')
    assert "http://" not in answer.text
    assert "Set-Cookie" not in answer.headers, "a late answer must not undo a sign-out"


def test_an_empty_store_says_what_to_do(database: Database, store_services: Services) -> None:
    made = signed_in(create_app(store_services))
    assert "Nothing to review yet" in made.get("/review").text
    assert "No window yet" in made.get("/dataset").text
    assert "No label yet" in made.get("/review/labels").text


def test_programs_review_through_the_api(app: Flask) -> None:
    program = signed_in(app, "bot")
    token = program.get("/api/v1/session").json["csrf_token"]  # type: ignore[index]

    def send(address: str, **form: object) -> tuple[int, dict[str, object]]:
        answer = program.post(f"/api/v1{address}", data={"csrf_token": token, **form})
        assert answer.json is not None
        return answer.status_code, answer.json

    _, told = send("/review/next")
    card = told["card"]
    assert isinstance(card, dict)
    assert card["guess"]["label"] == "dog"
    assert program.get(f"/api/v1/review/cards/{card['window_id']}").json == card
    assert program.get("/api/v1/review/cards?reviewer=bot").json["window_ids"][0] == 1  # type: ignore[index]
    status, owl = send("/labels", name="owl", private="1")
    assert (status, owl["digit"], owl["private"]) == (201, 3, True)
    _, owl = send(f"/labels/{owl['id']}", name="tawny owl", digit="")
    assert (owl["name"], owl["digit"], owl["private"]) == ("tawny owl", None, True)
    _, stored = send("/review/answers", window_id=1, said="label", label_id=owl["id"])
    assert stored["label"] == "tawny owl"
    send("/review/answers", window_id=2, said="accept", whole_group="1")
    assert program.get("/api/v1/review?reviewer=bot").json["mine"] == 3  # type: ignore[index]
    assert send("/review/undo")[1]["undone"] == {"window_id": 2, "windows": 2}
    _, plan = send(f"/labels/{owl['id']}/merge", into=1)
    assert plan["reviews"] == 1
    assert [one["name"] for one in program.get("/api/v1/labels").json["labels"]] == ["dog", "rain"]  # type: ignore[index]
    assert len(program.get("/api/v1/review/answers").json["items"]) == 3  # type: ignore[index]
    assert program.get("/api/v1/review/disagreements").json == {"items": []}
    assert program.get("/api/v1/dataset").json["answered"] == 1  # type: ignore[index]
    digest = "ab" * 32
    (window,) = program.get(f"/api/v1/dataset/windows?frontend={digest}").json["items"]  # type: ignore[index]
    assert (window["window_id"], window["label"]) == (1, "dog")
    for form in ({"window_id": "x"}, {"window_id": 1, "said": "dog"}, {"window_id": 1, "whole_group": "yes"}):
        assert send("/review/answers", **form)[0] == 400
    assert send("/review/answers", window_id=99, said="none")[0] == 404
    assert program.get("/api/v1/review/cards?limit=0").status_code == 400
