"""``aggregator ota`` as an operator, or a script, meets it."""

import json
import os
import pty
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from aggregator import logs
from aggregator.__main__ import main
from aggregator.services.ota_repository import OtaRepository
from tests.aggregator.learning import Workshop
from tests.aggregator.ota_client import Client
from tests.aggregator.ota_world import NODE, PASSPHRASE, bundle
from tests.aggregator.web.hub import Hub
from tests.conftest import ROOT

pytestmark = pytest.mark.usefixtures("cheap_keys")


@dataclass(frozen=True)
class Done:
    status: int
    out: str
    err: str

    @property
    def plain(self) -> Any:
        return json.loads(self.out)


class Desk:
    """A signer's machine and an aggregator's, both below one folder."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder = folder
        self.keys = folder / "keys"
        self.data = folder / "data"
        self.passphrase = folder / "passphrase"
        self.passphrase.write_text(f"{PASSPHRASE}\n")
        self.passphrase.chmod(0o600)
        self.bundle = folder / "new.bundle"
        self.bundle.write_bytes(bundle("1.0.0"))
        self._capsys = capsys

    def run(self, *words: object) -> Done:
        """A command at the aggregator."""
        self._capsys.readouterr()
        status = main(["ota", *(str(word) for word in words), "--store-folder", str(self.data)])
        captured = self._capsys.readouterr()
        return Done(status, captured.out, captured.err)

    def sign(self, *words: object, keys: Path | None = None) -> Done:
        """A command with keys."""
        return self.run(*words, "--keys", keys or self.keys, "--passphrase-file", self.passphrase)

    @property
    def repository(self) -> OtaRepository:
        return OtaRepository(self.data / "ota")


@pytest.fixture
def desk(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Desk:
    monkeypatch.setattr(logs, "start", lambda _: None)  # the log would outlive what the test captures
    return Desk(tmp_path, capsys)


def test_from_keys_to_a_withdrawn_bundle(desk: Desk) -> None:
    begun = desk.sign("keys", "init")
    assert begun.status == 0, begun.err
    assert "made targets" in begun.out
    assert "copy it to each, and name it in\n     [update] root" in begun.out
    published = desk.sign("publish", desk.bundle, "--node", "attic", "--json")
    assert published.status == 0, published.err
    assert published.plain["published"]["nodes"] == ["attic"]
    assert published.plain["targets_version"] == 2
    listed = desk.run("list")
    assert "keywords@1.0.0" in listed.out
    assert "only for attic" in listed.out
    assert [one["model"] for one in desk.run("list", "--json").plain["published"]] == ["keywords@1.0.0"]
    gone = desk.sign("withdraw", "keywords@1.0.0")
    assert "withdrawn keywords@1.0.0" in gone.out
    assert desk.run("list").out == "nothing is published yet; `aggregator ota publish` does that\n"
    again = desk.sign("keys", "init")
    assert again.status == 1
    assert "holds keys already" in again.err


def test_each_misfortune_has_a_command(desk: Desk) -> None:
    desk.sign("keys", "init")
    desk.sign("publish", desk.bundle)
    for words in (
        ("keys", "rotate", "targets", "online"),  # stolen
        ("keys", "rotate", "root-2"),
        ("keys", "token"),
        ("renew",),  # about to expire
        ("renew", "--root"),
    ):
        done = desk.sign(*words)
        assert done.status == 0, (words, done.err)
    shown = desk.run("keys", "show", "--keys", desk.keys, "--json").plain
    assert [one["version"] for one in shown["metadata"]] == [4, 4]
    assert [one["here"] for one in shown["keys"]] == [True, True, True, True, False]
    assert desk.repository.published()[0].model == "keywords@1.0.0"


def test_what_must_be_renewed_soon_has_a_status_of_its_own(desk: Desk) -> None:
    desk.sign("keys", "init", "--ota-targets-days", "1")
    shown = desk.run("keys", "show")
    assert shown.status == 3
    assert "renew it: `aggregator ota renew`" in shown.out
    assert desk.sign("renew").status == 0
    assert desk.run("keys", "show").status == 0


def test_a_wrong_passphrase_is_said_and_never_shown(desk: Desk) -> None:
    desk.sign("keys", "init")
    desk.passphrase.write_text("not the passphrase\n")
    done = desk.sign("publish", desk.bundle)
    assert (done.status, done.out) == (1, "")
    assert "the passphrase does not open the key targets" in done.err
    assert "not the passphrase" not in done.err.replace("the passphrase does", "")
    desk.passphrase.chmod(0o644)
    assert "everybody on this machine may read this passphrase" in desk.sign("renew").err
    assert "nobody to ask for the passphrase" in desk.run("renew", "--keys", desk.keys).err


def test_a_passphrase_comes_through_a_descriptor(desk: Desk) -> None:
    for words in (("keys", "init"), ("publish", desk.bundle)):
        reading, writing = os.pipe()
        os.write(writing, f"{PASSPHRASE}\n".encode())
        os.close(writing)
        done = desk.run(*words, "--keys", desk.keys, "--passphrase-fd", reading)
        assert done.status == 0, done.err


def answer(terminal: int, process: subprocess.Popen[bytes], *typed: str) -> str:
    """Type an answer to each question; all that was asked and said."""
    assert process.stderr is not None
    said = ""
    for word in typed:
        asked = ""
        while not asked.endswith(": "):  # what is typed before the question is thrown away
            chunk = os.read(process.stderr.fileno(), 1000).decode()
            assert chunk, said + asked
            asked += chunk
        said += asked
        os.write(terminal, f"{word}\n".encode())
    return said + process.stderr.read().decode()


def test_a_terminal_is_asked_for_passphrases_twice_where_they_are_new(desk: Desk) -> None:
    terminal, slave = pty.openpty()
    words = (
        "ota",
        "keys",
        "init",
        "--keys",
        desk.keys,
        "--out",
        desk.folder / "carry",
        "--log-level",
        "error",
    )
    process = subprocess.Popen(
        [sys.executable, "-m", "aggregator", *(str(word) for word in words)],
        stdin=slave, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, start_new_session=True, cwd=ROOT,
    )  # fmt: skip
    with process:
        said = answer(terminal, process, PASSPHRASE, PASSPHRASE, "", "", "")
    os.close(terminal)
    os.close(slave)
    assert process.returncode == 0, said
    assert "New passphrase for the key root-1: " in said
    assert "New passphrase for the key targets (empty: the one before): " in said
    assert PASSPHRASE not in said
    assert desk.run("hand-in", desk.folder / "carry").status == 0
    assert desk.sign("publish", desk.bundle).status == 0


def test_a_signer_without_network_signs_what_is_carried(desk: Desk) -> None:
    carried = desk.folder / "carry"
    begun = desk.sign("keys", "init", "--out", carried)
    assert begun.status == 0, begun.err
    assert not desk.repository.is_set_up
    assert {path.suffix for path in carried.iterdir()} == {".json", ".pem", ".passphrase", ".sha256"}
    assert desk.run("hand-in", carried).status == 0
    ask = desk.folder / "ask.json"
    assert desk.run("export", desk.bundle, "--out", ask).status == 0
    told = desk.sign("sign", ask)
    assert told.status == 3
    assert "to publish: keywords@1.0.0" in told.out
    assert "nothing was signed: add --yes" in told.out
    early = desk.run("hand-in", ask)
    assert (early.status, "this is not signed yet" in early.err) == (3, True)
    assert desk.sign("sign", ask, "--yes").status == 0
    assert desk.run("hand-in", desk.folder / "ask.signed.json").status == 0
    assert desk.repository.published()[0].model == "keywords@1.0.0"
    stale = desk.sign("sign", ask, "--yes")
    assert (stale.status, "made from older metadata" in stale.err) == (1, True)
    wrong = desk.run("hand-in", desk.bundle)
    assert (wrong.status, "not a file to sign or hand in" in wrong.err) == (1, True)


def test_two_holders_of_root_keys_sign_one_after_the_other(desk: Desk) -> None:
    desk.sign("keys", "init")
    far = desk.folder / "far"
    far.mkdir()
    for path in (*desk.keys.glob("root-2.*"), *desk.keys.glob("root-3.*")):
        path.rename(far / path.name)
    alone = desk.sign("keys", "rotate", "targets")
    assert (alone.status, "signed by 1 of the 2" in alone.err) == (1, True)
    half, whole = desk.folder / "half.json", desk.folder / "whole.json"
    assert "not valid yet" in desk.sign("keys", "rotate", "targets", "--out", half).out
    refused = desk.run("hand-in", half)
    assert (refused.status, "signed by 1 of the 2" in refused.err) == (3, True)
    assert "to sign: targets: " in desk.sign("sign", half, keys=far).out
    assert desk.sign("sign", half, "--yes", "--out", whole, keys=far).status == 0
    assert desk.run("hand-in", whole).status == 0
    assert desk.sign("publish", desk.bundle).status == 0


@pytest.fixture
def workshop(desk: Desk) -> Iterator[Workshop]:
    made = Workshop(desk.folder)
    yield made
    made.close()


def test_only_an_accepted_release_is_published(desk: Desk, workshop: Workshop) -> None:
    desk.sign("keys", "init")
    workshop.poison()
    workshop.trainings.ask("mia")
    workshop.work()
    refused = desk.sign("publish", "--release", "2")
    assert refused.status == 3
    assert "release 2 is refused (the gate refused it), so it is not published" in refused.err
    assert desk.run("list", "--json").plain["published"] == []
    assert desk.sign("publish", "--release", "9").status == 1
    workshop.releases.decide(2, "accept", who="mia", reason="I was there")
    assert desk.sign("publish", "--release", "2").status == 0
    (one,) = desk.repository.published()
    assert one.digest == workshop.releases.detail(2).view.digest


def test_a_signer_uploads_to_a_running_aggregator_and_a_node_fetches(desk: Desk) -> None:
    hub = Hub(desk.data)
    try:
        adopted = hub.services.releases.adopt(desk.bundle)
        assert desk.sign("keys", "init").status == 0
        hub.start()
        done = desk.sign("publish", "--release", adopted.id, "--url", hub.address, "--json")
        assert done.status == 0, done.err
        assert done.plain["published"]["digest"] == adopted.digest
        root = (desk.keys / "metadata" / "1.root.json").read_bytes()
        repository = desk.repository
        client = Client(f"{hub.address}/ota/v1", root, NODE, repository.token(NODE), desk.folder / "node")
        assert client.lists(repository.published()[0].target)
        client.fetcher.close()
        secret = desk.sign("keys", "rotate", "online", "--url", hub.address)
        assert (secret.status, "does not go over the network" in secret.err) == (1, True)
        (desk.keys / "publish.token").write_text("ab" * 32)
        closed = desk.sign("renew", "--url", hub.address)
        assert (closed.status, "the aggregator answers 401" in closed.err) == (1, True)
    finally:
        hub.stop()


@pytest.mark.parametrize("url", ["http://127.0.0.1:1", "ftp://x", "https://"])
def test_an_aggregator_that_is_not_there_is_said(desk: Desk, url: str) -> None:
    desk.sign("keys", "init")
    done = desk.sign("renew", "--url", url)
    assert done.status == 1
    assert "cannot be reached" in done.err or "is not an address" in done.err


def test_the_database_never_sees_a_key(desk: Desk) -> None:
    desk.sign("keys", "init")
    desk.sign("publish", desk.bundle)
    stored = b"".join(path.read_bytes() for path in desk.data.glob("soundpost.db*"))
    assert b"PRIVATE KEY" not in stored
    assert PASSPHRASE.encode() not in stored
    assert (desk.keys / "publish.token").read_bytes().strip() not in stored


def test_settings_lead_to_the_passphrase_of_the_online_key(desk: Desk) -> None:
    carried = desk.folder / "carry"
    desk.sign("keys", "init", "--out", carried)
    (given,) = carried.glob("*.passphrase")
    credential = desk.folder / "credential"
    credential.write_text(given.read_text())
    credential.chmod(0o400)
    flag = ("--ota-online-passphrase-file", credential)
    assert desk.run("hand-in", carried, *flag).status == 0
    assert not list((desk.data / "ota").glob("*.passphrase")), "it lies where the settings say"
    assert desk.sign("publish", desk.bundle, *flag).status == 0
