"""A node joins and renews over real HTTPS: shown to the right server alone, never left with half of it."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from aggregator.services.authority import AuthorityService
from aggregator.trust.certificates import revoked_in
from aggregator.web import create_app
from contract.enrolment import read_token
from edge_agent.agent.renewal import Renewal
from edge_agent.enrolment.files import EnrolmentFiles
from edge_agent.enrolment.joining import join
from edge_agent.enrolment.renewing import confirm, renew
from edge_agent.errors import EnrolmentError
from edge_agent.settings import load_settings
from edge_agent.settings.enrolled import folder_in
from tests.system.enrolling import CutFiles, Hub, PowerCutError, hub
from tests.waiting import wait_until

ASKS_FOR_AUTHORITY = "/enrol/v1/authority"


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Hub]:
    with hub(tmp_path / "hub") as running:
        yield running


def files(tmp_path: Path, node: str = "node") -> EnrolmentFiles:
    return EnrolmentFiles(folder_in(tmp_path / node))


def joined(home: Hub, tmp_path: Path, node: str = "node") -> EnrolmentFiles:
    made = files(tmp_path, node)
    join(made, home.url, read_token(home.token()), trust_system=False)
    return made


def test_what_is_written_is_private_and_whole(home: Hub, tmp_path: Path) -> None:
    made = joined(home, tmp_path)
    assert {path.name for path in made.folder.iterdir()} == {"node.pem", "authority.crt", "enrolment.json"}
    assert {path.stat().st_mode & 0o777 for path in made.folder.iterdir()} == {0o600}
    assert made.folder.stat().st_mode & 0o777 == 0o700
    settings = load_settings(None, {}, {"node.state": str(tmp_path / "node")})
    assert (settings.node.name, settings.broker.host) == ("attic", "127.0.0.1")
    assert settings.enrolled is not None


def test_another_fleets_aggregator_is_not_shown_the_token(home: Hub, tmp_path: Path) -> None:
    with hub(tmp_path / "other") as other:
        with pytest.raises(EnrolmentError, match="nothing was told to it"):
            join(files(tmp_path), other.url, read_token(home.token()), trust_system=False)
        assert other.asked == [ASKS_FOR_AUTHORITY]


def test_whoever_copied_the_authoritys_certificate_is_not_shown_the_token(home: Hub, tmp_path: Path) -> None:
    """It says the right certificate, which everybody may have, but cannot prove to be certified by it."""
    forged = AuthorityService(tmp_path / "forged").server("web", ("127.0.0.1",))
    with hub(tmp_path / "hub", shows=forged) as thief:
        with pytest.raises(EnrolmentError, match="does not prove"):
            join(files(tmp_path), thief.url, read_token(home.token()), trust_system=False)
        assert thief.asked == [ASKS_FOR_AUTHORITY]


def test_a_server_under_another_name_is_not_shown_the_token(home: Hub, tmp_path: Path) -> None:
    elsewhere = home.services.authority.server("elsewhere", ("hub.example",))
    with hub(tmp_path / "hub", shows=elsewhere) as wrong:
        with pytest.raises(EnrolmentError, match="does not prove"):
            join(files(tmp_path), wrong.url, read_token(home.token()), trust_system=False)
        assert wrong.asked == [ASKS_FOR_AUTHORITY]


def test_a_node_of_the_fleet_cannot_play_the_aggregator(home: Hub, tmp_path: Path) -> None:
    """Its certificate is by the right authority, but for clients alone."""
    node = joined(home, tmp_path).folder / "node.pem"
    with hub(tmp_path / "hub", shows=node) as traitor, pytest.raises(EnrolmentError, match="does not prove"):
        join(files(tmp_path, "next"), traitor.url, read_token(home.token("cellar")), trust_system=False)


@pytest.mark.parametrize("url", ["http://127.0.0.1:1", "127.0.0.1", "https://", "ftp://x"])
def test_only_https_is_spoken(tmp_path: Path, home: Hub, url: str) -> None:
    with pytest.raises(EnrolmentError, match="https://"):
        join(files(tmp_path), url, read_token(home.token()), trust_system=False)


def test_a_token_is_used_once(home: Hub, tmp_path: Path) -> None:
    token = read_token(home.token())
    join(files(tmp_path), home.url, token, trust_system=False)
    with pytest.raises(EnrolmentError, match="token was used"):
        join(files(tmp_path, "thief"), home.url, token, trust_system=False)


@pytest.mark.parametrize("writes", range(4))
def test_the_power_may_go_at_any_write_while_it_joins(home: Hub, tmp_path: Path, writes: int) -> None:
    token = read_token(home.token())
    folder = files(tmp_path).folder
    with pytest.raises(PowerCutError):
        join(CutFiles(folder, writes), home.url, token, trust_system=False)
    assert EnrolmentFiles(folder).record() is None
    record = join(EnrolmentFiles(folder), home.url, token, trust_system=False)
    assert (record.node, record.generation) == ("attic", 1)


def test_a_certificate_is_renewed_on_a_new_key(home: Hub, tmp_path: Path) -> None:
    made = joined(home, tmp_path)
    key, serial = made.identity()
    after = renew(made)
    new, new_serial = made.identity()
    assert after.confirmed
    assert (after.serial, new.is_same(key)) == (new_serial, False)
    assert serial != new_serial
    assert serial in _listed(home)
    assert new_serial not in _listed(home)


@pytest.mark.parametrize("writes", range(4))
def test_the_power_may_go_at_any_write_while_it_renews(home: Hub, tmp_path: Path, writes: int) -> None:
    made = joined(home, tmp_path)
    with pytest.raises(PowerCutError):
        renew(CutFiles(made.folder, writes))
    _, serial = made.identity()
    assert serial not in _listed(home)  # whatever lies there still lets the node in
    record = renew(made)
    assert record.confirmed
    assert made.identity()[1] == record.serial
    assert record.serial not in _listed(home)
    assert confirm(made) == record


def test_a_root_of_updates_is_told_once_with_a_later_certificate(home: Hub, tmp_path: Path) -> None:
    made = joined(home, tmp_path)
    root = made.folder / "root.json"
    assert not root.exists()
    kept = home.folder / "ota" / "metadata" / "1.root.json"
    kept.parent.mkdir(parents=True, exist_ok=True)
    kept.write_bytes(b'{"first": 1}')
    renew(made)
    assert root.read_bytes() == b'{"first": 1}'
    kept.write_bytes(b'{"forged": 1}')
    renew(made)
    assert root.read_bytes() == b'{"first": 1}'


def test_the_agent_has_it_renewed_in_its_last_third_and_not_before(home: Hub, tmp_path: Path) -> None:
    """In a child process: the agent itself knows no cryptography."""
    made = joined(home, tmp_path)
    record = made.record()
    assert record is not None
    told = threading.Event()
    early = Renewal(made.folder, told.set, now=lambda: record.not_before_s + 1)
    late = Renewal(made.folder, told.set, now=lambda: record.not_after_s - 1)
    try:
        early.start()
        late.start()
        assert told.wait(60)
    finally:
        early.stop()
        late.stop()
    renewed = made.record()
    assert renewed is not None
    assert renewed.serial != record.serial
    assert _listed(home) >= {record.serial}
    assert (early.problem, late.problem) == ("", "")


def test_the_agent_says_so_if_it_cannot_be_renewed(home: Hub, tmp_path: Path) -> None:
    made = joined(home, tmp_path)
    record = made.record()
    assert record is not None
    home.services.enrolment.revoke("attic", reason="", who="ada")
    late = Renewal(made.folder, lambda: None, now=lambda: record.not_after_s - 1)
    late.start()
    wait_until(lambda: bool(late.problem), "the attempt fails")
    late.stop()
    assert "was revoked" in late.problem
    assert "the certificate ends in 0 days" in late.problem


def test_a_node_that_was_revoked_gets_no_other_certificate(home: Hub, tmp_path: Path) -> None:
    made = joined(home, tmp_path)
    home.services.enrolment.revoke("attic", reason="", who="ada")
    with pytest.raises(EnrolmentError, match="was revoked"):
        renew(made)


def test_a_node_that_was_imaged_anew_is_the_next_generation(home: Hub, tmp_path: Path) -> None:
    first, second = joined(home, tmp_path, "first"), joined(home, tmp_path, "second")
    records = [made.record() for made in (first, second)]
    assert [record.generation for record in records if record] == [1, 2]
    with pytest.raises(EnrolmentError, match="was revoked"):
        renew(first)
    renew(second)


def test_over_plain_http_nothing_is_told(home: Hub, tmp_path: Path) -> None:
    client = create_app(home.services).test_client()
    for ask in (client.get, client.post):
        path = "authority" if ask == client.get else "enrol"
        answer = ask(f"/enrol/v1/{path}", environ_base={"REMOTE_ADDR": "192.0.2.7"})
        assert answer.status_code == 403
        assert "only over HTTPS" in answer.get_json()["detail"]


def test_nonsense_is_answered_with_a_sentence(home: Hub) -> None:
    client = create_app(home.services).test_client()
    for path in ("enrol", "renew", "confirm"):
        for content in (b"", b"{}", b"[]", b"\xff", b"[" * 10_000, b'{"schema":1,"secret":5}'):
            answer = client.post(f"/enrol/v1/{path}", data=content)
            assert answer.status_code == 400, (path, content[:20])
            assert answer.get_json()["detail"]


def _listed(home: Hub) -> frozenset[str]:
    path = home.services.authority.list_path
    return revoked_in(path.read_bytes()) if path.exists() else frozenset()
