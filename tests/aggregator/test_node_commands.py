"""``aggregator node`` and ``aggregator broker`` as their users meet them."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from aggregator import logs
from aggregator.__main__ import main
from contract.enrolment import read_token


@dataclass(frozen=True)
class Done:
    status: int
    out: str
    err: str


Run = Callable[..., Done]


@pytest.fixture
def run(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs a command to its end, in this process."""
    monkeypatch.setattr(logs, "start", lambda _level: None)

    def run(*words: str) -> Done:
        status = main([*words, f"--store-folder={tmp_path / 'data'}"])
        told = capsys.readouterr()
        return Done(status, told.out, told.err)

    return run


def test_adding_says_the_token_and_what_to_run_on_the_node(run: Run) -> None:
    done = run("node", "add", "attic", "--tag", "roof", "--url", "https://hub.example:8443")
    assert done.status == 0
    token = next(word for word in done.out.split() if word.startswith("spn-"))
    read_token(token)
    assert f"sudo deploy/edge/install.sh --enroll https://hub.example:8443 {token}" in done.out
    assert f"edge-agent enroll https://hub.example:8443 {token}" in done.out
    assert "does not speak HTTPS" not in done.out


def test_adding_warns_where_nodes_could_not_enrol(run: Run) -> None:
    assert "set [web] https = true" in run("node", "add", "attic").out
    assert "set [web] https = true" not in run("node", "add", "attic", "--web-https=true").out


def test_the_address_is_the_one_that_the_broker_was_put_up_for(run: Run, tmp_path: Path) -> None:
    run("broker", "config", f"--into={tmp_path / 'broker'}", "--host=192.0.2.10")
    told = json.loads(run("node", "add", "attic", "--json", "--web-port=8443").out)
    assert told["url"] == "https://192.0.2.10:8443"
    listed = json.loads(run("node", "list", "--json").out)["nodes"]
    assert [(one["node"], one["standing"], one["generation"]) for one in listed] == [("attic", "invited", 0)]
    assert "attic" in run("node", "list").out


def test_names_that_are_not_known_are_one_sentence(run: Run) -> None:
    assert "nobody was invited yet" in run("node", "list").out
    for words in (["revoke", "attic"], ["rotate", "attic"], ["rotate"], ["rotate", "attic", "--all"]):
        done = run("node", *words)
        assert done.status == 1, words
        assert done.err.startswith("aggregator: "), words
        assert done.err.count("\n") == 1, words
    assert run("node", "rotate", "--all").status == 0


def test_revoking_says_so_if_the_broker_cannot_be_told(run: Run, tmp_path: Path) -> None:
    run("node", "add", "attic")
    done = run("node", "revoke", "attic", "--reason=stolen")
    assert done.status == 3
    assert "no broker was put up from here" in done.out
    run("broker", "config", f"--into={tmp_path / 'broker'}", "--port=1", "--inner-port=2")
    done = run("node", "revoke", "attic", "--json")
    assert done.status == 3
    assert "answers nowhere" in json.loads(done.out)["problem"]


def test_the_broker_is_refreshed_once_and_checked_never_without_one(run: Run, tmp_path: Path) -> None:
    assert "aggregator broker config" in run("broker", "check").err
    assert "aggregator broker config" in run("broker", "refresh").err
    run("broker", "config", f"--into={tmp_path / 'broker'}")
    assert json.loads(run("broker", "refresh", "--json").out) == {"changed": []}
    run("node", "add", "attic")
    (tmp_path / "broker" / "acl").write_text("careless")
    assert json.loads(run("broker", "refresh", "--json").out) == {"changed": ["acl"]}
    assert "pattern write" in (tmp_path / "broker" / "acl").read_text()


def test_the_configuration_is_private_and_never_written_over(run: Run, tmp_path: Path) -> None:
    folder = tmp_path / "broker"
    assert run("broker", "config", f"--into={folder}", "--bind=0.0.0.0", "--host=hub.example").status == 0
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o600}
    again = run("broker", "config", f"--into={folder}")
    assert (again.status, "is there already" in again.err) == (1, True)
    plain = run("broker", "config", f"--into={tmp_path / 'plain'}", "--node=attic")
    assert "password of node attic" in plain.out
    assert "listener 1883 127.0.0.1" in (tmp_path / "plain" / "mosquitto.conf").read_text()
    assert run("broker", "config", f"--into={tmp_path / 'plain-2'}", "--plain").status == 0
