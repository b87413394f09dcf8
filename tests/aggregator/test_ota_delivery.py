"""What a node is given over HTTP: only its own, whole or in ranges, no faster than allowed."""

import json
from pathlib import Path
from urllib.parse import quote

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from aggregator.services import publish_token
from aggregator.services.bandwidth import Bandwidth
from aggregator.services.ota_files import OtaFiles
from aggregator.trust import hand_over
from aggregator.web import create_app
from contract import topics, wire
from contract.updates import Desired
from tests.aggregator.ota_client import Fetcher
from tests.aggregator.ota_world import NODE, OtaWorld, bundle, serving

pytestmark = pytest.mark.usefixtures("cheap_keys")


@pytest.fixture
def made(tmp_path: Path) -> OtaWorld:
    return OtaWorld(tmp_path)


@pytest.fixture
def client(made: OtaWorld) -> FlaskClient:
    return create_app(made.services()).test_client()


class Clock:
    """Time that passes only while somebody sleeps."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s

    def sleep(self, wait_s: float) -> None:
        self.now_s += wait_s


def shown(made: OtaWorld, node: str = NODE) -> dict[str, str]:
    return {"Authorization": f"Bearer {made.repository.token(node)}"}


def address(made: OtaWorld, target: str, node: str = NODE) -> str:
    (one,) = [one for one in made.repository.published() if one.target == target]
    return f"/ota/v1/nodes/{node}/targets/{one.file_name}"


def asked(
    client: FlaskClient, made: OtaWorld, target: str, node: str = NODE, buffered: bool = True, **headers: str
) -> TestResponse:
    """The answer to a node that asks for a bundle; read to its end, if ``buffered``."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return client.get(address(made, target, node), headers=shown(made, node) | named, buffered=buffered)


def test_metadata_is_for_everybody_and_costs_little(made: OtaWorld, client: FlaskClient) -> None:
    answer = client.get("/ota/v1/metadata/timestamp.json")
    assert answer.data == made.metadata("timestamp.json")
    assert answer.headers["Cache-Control"] == "no-cache"
    assert "Content-Security-Policy" not in answer.headers
    again = client.get("/ota/v1/metadata/timestamp.json", headers={"If-None-Match": answer.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")
    absent = client.get("/ota/v1/metadata/2.root.json")
    assert (absent.status_code, absent.data) == (404, b"")


def test_a_node_is_told_what_it_should_run(made: OtaWorld, client: FlaskClient) -> None:
    path = f"/ota/v1/nodes/{NODE}/desired"
    nothing = client.get(path, headers=shown(made))
    assert (nothing.status_code, nothing.data) == (404, b"")
    made.publish("1.0.0")
    answer = client.get(path, headers=shown(made))
    assert wire.decode_as(Desired, topics.DESIRED, answer.data) == made.wishes.by_node[NODE]
    again = client.get(path, headers=shown(made) | {"If-None-Match": answer.headers["ETag"]})
    assert again.status_code == 304


@pytest.mark.parametrize("token", ["", "Bearer ", "Bearer guess", "Basic YTpi", "Bearer \u00fc"])
def test_without_its_token_a_node_gets_nothing(made: OtaWorld, client: FlaskClient, token: str) -> None:
    target = made.publish("1.0.0")
    for path in (f"/ota/v1/nodes/{NODE}/desired", address(made, target)):
        answer = client.get(path, headers={"Authorization": token} if token else {})
        assert answer.status_code == 401
        assert answer.headers["WWW-Authenticate"] == "Bearer"


def test_a_node_that_asks_for_the_release_of_another_node_is_refused(
    made: OtaWorld, client: FlaskClient
) -> None:
    target = made.publish("1.0.0")
    assert client.get(address(made, target), headers=shown(made, "hall")).status_code == 401
    refused = asked(client, made, target, "hall")
    assert refused.status_code == 403
    assert refused.json is not None
    assert "is not what hall should run" in refused.json["detail"]
    assert asked(client, made, target).data == bundle("1.0.0")


def test_a_release_for_named_nodes_is_given_to_no_other_one(made: OtaWorld, client: FlaskClient) -> None:
    target = made.publish("1.0.0", nodes=("hall",))
    refused = asked(client, made, target)
    assert refused.status_code == 403
    assert refused.json is not None
    assert "is for other nodes than attic" in refused.json["detail"]
    made.wish("hall", made.repository.published()[0].digest, target)
    assert asked(client, made, target, "hall").status_code == 200


def test_only_what_a_node_should_run_now_is_given(made: OtaWorld, client: FlaskClient) -> None:
    before = made.publish("1.0.0")
    after = made.publish("1.1.0")
    assert asked(client, made, before).status_code == 403
    assert asked(client, made, after).status_code == 200
    path = address(made, after)
    made.deliver(made.signing.publish(made.base(), remove=[after]))
    assert client.get(path, headers=shown(made)).status_code == 404


TRAVERSALS = (
    "../token.secret", "..", "../../soundpost.db", "/etc/passwd", "timestamp.json/../../token.secret", "lock",
    "online.pem", "1.root.json\0", "01.root.json", "1.mirrors.json", ".timestamp.json.1.ab", "1.root.jsonx",
)  # fmt: skip


@pytest.mark.parametrize("name", TRAVERSALS)
def test_no_name_leads_out_of_the_folder(made: OtaWorld, client: FlaskClient, name: str) -> None:
    made.publish("1.0.0")
    made.repository.token(NODE)
    for shape in (name, quote(name, safe=""), quote(quote(name, safe=""))):
        assert client.get(f"/ota/v1/metadata/{shape}").status_code in (401, 404, 308)
        answer = client.get(f"/ota/v1/nodes/{NODE}/targets/{shape}", headers=shown(made))
        assert answer.status_code in (401, 404, 308)
    assert made.repository.metadata(name) is None
    assert made.repository.target(name) is None
    assert OtaFiles(made.folder / "ota").target(f"{'ab' * 32}.a..b.bundle") is None


def test_a_download_goes_on_where_it_was_cut_off(made: OtaWorld, client: FlaskClient) -> None:
    target = made.publish("1.0.0")
    content = bundle("1.0.0")
    whole = asked(client, made, target)
    etag = whole.headers["ETag"]
    assert (whole.status_code, whole.data) == (200, content)
    assert etag == f'"{made.repository.published()[0].digest}"'
    assert whole.headers["Accept-Ranges"] == "bytes"
    for at in (1, 16_384, 100_000, len(content) - 1):
        rest = asked(client, made, target, Range=f"bytes={at}-", If_Range=etag)
        assert (rest.status_code, rest.data) == (206, content[at:])
        assert rest.headers["Content-Range"] == f"bytes {at}-{len(content) - 1}/{len(content)}"
    part = asked(client, made, target, Range="bytes=10-19")
    assert (part.status_code, part.data) == (206, content[10:20])
    beyond = asked(client, made, target, Range=f"bytes={len(content)}-")
    assert beyond.status_code == 416
    assert asked(client, made, target, If_None_Match=etag).status_code == 304


def test_what_was_begun_of_another_bundle_is_not_gone_on_with(made: OtaWorld, client: FlaskClient) -> None:
    before = made.publish("1.0.0")
    etag = asked(client, made, before).headers["ETag"]
    after = made.publish("1.1.0")
    fresh = asked(client, made, after, Range="bytes=1000-", If_Range=etag)
    assert (fresh.status_code, fresh.data) == (200, bundle("1.1.0"))


def test_a_file_that_is_replaced_while_it_is_read_stays_what_it_was(made: OtaWorld) -> None:
    target = made.publish("1.0.0")
    path = address(made, target)
    with serving(made) as server:
        fetcher = Fetcher(server.url, made.repository.token(NODE))
        answer = fetcher.ask(f"{server.url}{path.removeprefix('/ota/v1')}")
        content = answer.read(1000)
        made.deliver(made.signing.publish(made.base(), remove=[target]))
        assert made.repository.published() == ()
        assert content + answer.read() == bundle("1.0.0")
        gone = fetcher.ask(f"{server.url}{path.removeprefix('/ota/v1')}", {"Range": "bytes=1000-"})
        assert gone.status == 404
        gone.read()
        fetcher.close()


@pytest.mark.parametrize(("node_rate", "all_rate"), [(50_000, 0), (0, 50_000), (50_000, 80_000), (3_000, 0)])
def test_a_download_is_no_faster_than_its_limit(made: OtaWorld, node_rate: int, all_rate: int) -> None:
    target = made.publish("1.0.0")
    clock = Clock()
    bandwidth = Bandwidth(node_rate, all_rate, clock=clock, sleep=clock.sleep)
    client = create_app(made.services(bandwidth)).test_client()
    size = len(asked(client, made, target).data)
    rate = min(one for one in (node_rate, all_rate) if one)
    # A second's worth may go at once; the rest takes its time, to the byte.
    assert clock.now_s == pytest.approx(size / rate - 1)


def test_all_together_are_no_faster_than_their_limit(made: OtaWorld) -> None:
    target = made.publish("1.0.0")
    made.wish("hall", made.repository.published()[0].digest, target)
    clock = Clock()
    bandwidth = Bandwidth(1_000_000, 50_000, clock=clock, sleep=clock.sleep)
    client = create_app(made.services(bandwidth)).test_client()
    size = sum(len(asked(client, made, target, node).data) for node in (NODE, "hall"))
    assert clock.now_s == pytest.approx(size / 50_000 - 1)


def test_too_many_downloads_at_once_are_put_off(made: OtaWorld) -> None:
    target = made.publish("1.0.0")
    bandwidth = Bandwidth(downloads=2)
    client = create_app(made.services(bandwidth)).test_client()
    running = [asked(client, made, target, buffered=False) for _ in range(2)]
    refused = asked(client, made, target)
    assert refused.status_code == 429
    assert refused.headers["Retry-After"] == "10"
    for answer in running:
        answer.close()
    for headers in ({}, {"Range": "bytes=999999999-"}, {"If_None_Match": "*"}):
        for _ in range(3):
            answer = asked(client, made, target, **headers)
            assert answer.status_code != 429, "what has ended, however it ended, counts no more"
    head = client.head(address(made, target), headers=shown(made), buffered=True)
    assert head.content_length == len(bundle("1.0.0"))
    assert asked(client, made, target).data == bundle("1.0.0")


@pytest.fixture
def token(made: OtaWorld) -> str:
    made_token = publish_token.make()
    publish_token.keep(made.folder / "ota", publish_token.digest_of(made_token))
    return made_token


def test_the_way_in_asks_for_its_token(made: OtaWorld, client: FlaskClient, token: str) -> None:
    assert token not in (made.folder / "ota" / "publish.sha256").read_text()
    for sent in ("", made.repository.token(NODE), token[:-1]):
        headers = {"Authorization": f"Bearer {sent}"}
        assert client.get("/ota/v1/export", headers=headers).status_code == 401
        assert client.post("/ota/v1/hand-in", data=b"{}", headers=headers).status_code == 401


def test_what_is_signed_elsewhere_comes_in(made: OtaWorld, client: FlaskClient, token: str) -> None:
    headers = {"Authorization": f"Bearer {token}"}
    offered = hand_over.read(client.get("/ota/v1/export", headers=headers).data)
    addition = hand_over.Addition(content=bundle("1.0.0"))
    signed = made.signing.publish(offered, add=[addition]).handed
    answer = client.post("/ota/v1/hand-in", data=hand_over.write(signed), headers=headers)
    assert answer.status_code == 200, answer.text
    assert answer.json is not None
    assert [one["digest"] for one in answer.json["published"]] == [addition.digest]
    again = client.post("/ota/v1/hand-in", data=hand_over.write(signed), headers=headers)
    assert again.status_code == 200, "the same once more changes nothing"
    assert made.repository.published()[0].digest == addition.digest


@pytest.mark.parametrize(
    ("body", "status"),
    [(b"", 400), (b"[]", 400), (b'{"schema": 1}', 400), (b"[" * 100_000, 400), (b" " * 16_000_001, 413)],
    ids=["nothing", "list", "half", "deep", "large"],
)
def test_what_nobody_signed_does_not_come_in(
    made: OtaWorld, client: FlaskClient, token: str, body: bytes, status: int
) -> None:
    headers = {"Authorization": f"Bearer {token}"}
    before = made.files()
    assert client.post("/ota/v1/hand-in", data=body, headers=headers).status_code == status
    unsigned = hand_over.HandOver(roots=made.base().roots, targets=made.base().targets, signed=False)
    answer = client.post("/ota/v1/hand-in", data=hand_over.write(unsigned), headers=headers)
    assert answer.status_code == 400
    assert json.loads(answer.data)["detail"].startswith("This is not signed yet")
    assert made.files() == before
