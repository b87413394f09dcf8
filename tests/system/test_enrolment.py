"""From nothing to a fleet with TLS, and out of it again: real aggregator, broker and agent."""

import json
import shutil
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from aggregator.store.database import Database
from tests.aggregator.certified_broker import CertifiedBroker, certified_broker
from tests.aggregator.programs import Programs
from tests.broker import free_port
from tests.conftest import ROOT
from tests.edge_agent.agent_process import AgentProcess, run_agent
from tests.waiting import wait_until

WORDS = ROOT / "aggregator" / "demo_sounds" / "words"


class Fleet:
    """An aggregator with HTTPS, a broker with certificates, and one node."""

    def __init__(self, folder: Path, broker: CertifiedBroker) -> None:
        self.folder, self.broker = folder, broker
        self.data = folder / "data"
        ca, self.port = self.data / "ca", free_port()
        self.programs = Programs(
            folder, store_folder=self.data, web_port=self.port, web_https="true",
            broker_port=broker.place.inner_port, broker_tls="true", broker_ca_file=ca / "authority.crt",
            broker_certificate_file=broker.authority.own("aggregator"), broker_key_file=ca / "aggregator.pem",
        )  # fmt: skip
        self.programs.start("serve")
        log = self.programs.log("serve")
        wait_until(
            lambda: "listening to the nodes" in log.read_text(), "ingest connects with its certificate"
        )
        wait_until(lambda: answers(self.port), "the dashboard answers")

    def node(self, *words: str) -> dict[str, Any]:
        """What ``aggregator node …`` says."""
        flags = (f"--store-folder={self.data}", f"--web-port={self.port}", "--web-https=true", "--json")
        done = Programs(self.folder).run("node", *words, *flags)
        assert done.returncode == 0, done.stdout + done.stderr
        told: dict[str, Any] = json.loads(done.stdout)
        return told

    def enroll(self, token: str) -> "tuple[int, str]":
        url = f"https://127.0.0.1:{self.port}"
        done = run_agent("enroll", url, token, "--node-state", self.folder / "state")
        return done.returncode, done.stderr

    def agent(self, bundle: Path) -> AgentProcess:
        return AgentProcess(
            self.folder, "--model-bundle", bundle, "--input-source", "files", "--input-path", WORDS,
            "--input-loop", "true", "--outbox-resend-after-s", "2",
        )  # fmt: skip

    def stored(self) -> int:
        return int(self._scalar("SELECT count(*) FROM received"))

    def boots(self) -> set[str]:
        database = self._database()
        with database.read() as connection:
            found = set(connection.execute(text("SELECT boot FROM boots")).scalars())
        database.close()
        return found

    @property
    def record(self) -> dict[str, Any]:
        plain: dict[str, Any] = json.loads(
            (self.folder / "state" / "enrolment" / "enrolment.json").read_text()
        )
        return plain

    def _scalar(self, query: str) -> Any:
        database = self._database()
        with database.read() as connection:
            found = connection.execute(text(query)).scalar_one()
        database.close()
        return found

    def _database(self) -> Database:
        return Database(f"sqlite:///{self.data / 'soundpost.db'}")


def answers(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


@pytest.fixture
def fleet(tmp_path: Path) -> Iterator[Fleet]:
    with certified_broker(tmp_path, tmp_path / "data") as broker:
        made = Fleet(tmp_path, broker)
        yield made
        made.programs.end()


@pytest.mark.slow
def test_a_node_joins_rotates_is_revoked_and_comes_back(fleet: Fleet, models: Path) -> None:
    token = fleet.node("add", "attic", "--tag", "roof")["token"]
    assert fleet.enroll(token) == (0, "")
    bundle = models / "keywords.bundle"
    agent = fleet.agent(bundle)
    try:
        wait_until(lambda: fleet.stored() > 0, "what it hears is stored")

        connected = len(agent.lines("connected"))
        looked = run_agent(
            "check", "--json", "--model-bundle", bundle, "--node-state", fleet.folder / "state",
            "--input-source", "files", "--input-path", WORDS,
        )  # fmt: skip
        told = {one["what"]: one for one in json.loads(looked.stdout)["checks"]}
        assert told["broker"]["ok"], told
        assert told["enrolled"]["says"].startswith("as attic")
        assert len(agent.lines("connected")) == connected  # looking pushes nobody out

        before = fleet.record
        fleet.node("rotate", "attic")
        wait_until(lambda: fleet.record["serial"] != before["serial"], "it takes another certificate")
        wait_until(lambda: len(agent.lines("connected")) == connected + 1, "it shows it to the broker")
        stored = fleet.stored()
        wait_until(lambda: fleet.stored() > stored, "what it hears is stored")

        told = fleet.node("revoke", "attic", "--reason", "stolen")
        assert told["problem"] == ""
        wait_until(lambda: bool(agent.lines("not connected")), "its connection ends")
        assert fleet.node("list")["nodes"][0]["standing"] == "revoked"
        assert agent.terminate() == 0
        stored, first_boots = fleet.stored(), fleet.boots()
        assert {boot[:4] for boot in first_boots} == {"0001"}
    finally:
        agent.kill() if agent.process.poll() is None else None

    shutil.rmtree(fleet.folder / "state")  # the card is written anew, the name stays
    assert fleet.enroll(token)[0] == 2
    assert fleet.enroll(fleet.node("add", "attic")["token"]) == (0, "")
    agent = fleet.agent(bundle)
    try:
        wait_until(lambda: fleet.stored() > stored, "what it hears is stored, under numbers of its own")
    finally:
        agent.terminate()
    assert {boot[:4] for boot in fleet.boots() - first_boots} == {"0002"}
    assert json.loads(fleet.programs.run("stats", "--json").stdout)["stored_twice"] == 0
