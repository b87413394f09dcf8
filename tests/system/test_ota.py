"""An operator signs, rolls out, is stopped by a bad model, and goes back: real programs from end to end."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from aggregator.demo.children import free_port
from aggregator.demo.nodes import toml
from aggregator.services.rollout_making import known_nodes
from aggregator.store.database import Database
from contract.bundle import read_bundle
from tests.aggregator.fake_factory import another_version
from tests.broker import Mosquitto
from tests.conftest import ROOT
from tests.edge_agent.update.models import broken
from tests.environment import clean_environment
from tests.system.fleet import AGENT, AGGREGATOR, Program
from tests.waiting import wait_until

WORDS = ROOT / "aggregator" / "demo_sounds" / "words"
NEVER = "cellar"
"""The node that takes no updates."""
DONE, REFUSED = 0, 3
LISTENING = ("attic", "barn")
ALL = (*LISTENING, NEVER)


class Operator:
    """Somebody at a terminal, with keys, an aggregator, and a fleet of three nodes."""

    def __init__(self, folder: Path, broker: Mosquitto, shipped: Path) -> None:
        self.folder, self.shipped = folder, shipped
        self._keys = folder / "keys"
        self._config = folder / "aggregator.toml"
        self._passphrase = folder / "passphrase"
        self._passphrase.write_text("correct horse battery\n")
        self._passphrase.chmod(0o600)
        self._broker = {"host": "127.0.0.1", "port": broker.port}
        port = free_port()
        settings: dict[str, dict[str, Any]] = {
            "broker": self._broker, "store": {"folder": str(folder / "store")}, "web": {"port": port},
            "ota": {"url": f"http://127.0.0.1:{port}"},
        }  # fmt: skip
        self._config.write_text(toml(settings))
        self._serve = self._program("serve", [*AGGREGATOR, "serve"], self._config)
        self._agents: list[Program] = []
        self._database: Database | None = None

    def begin(self, updates: dict[str, dict[str, Any]]) -> None:
        """Start the aggregator, and a node for each of ``updates``, with these words under ``[update]``."""
        self._serve.start()
        for name, words in updates.items():
            config = self.folder / f"{name}.toml"
            config.write_text(toml({
                "node": {"name": name, "state": str(self.folder / name)},
                "model": {"bundle": str(self.shipped)},
                "input": {"source": "files", "path": str(WORDS), "loop": True},
                "broker": self._broker, "publish": {"policy": "results"}, "update": words,
            }))  # fmt: skip
            self._agents.append(self._program(name, [*AGENT, "run"], config))
            self._agents[-1].start()
        wait_until(lambda: set(self.births()) == set(updates), self.tails())

    def end(self) -> None:
        for program in (*self._agents, self._serve):
            if program.running():
                program.stop()
        if self._database is not None:
            self._database.close()

    def run(self, *words: str, status: int = DONE) -> Any:
        """``aggregator ota``; what it says as JSON."""
        done = subprocess.run(
            [*AGGREGATOR, "ota", *words, "--json", "--config", str(self._config)],
            capture_output=True, text=True, timeout=300, env=clean_environment(), check=False,
        )  # fmt: skip
        assert done.returncode == status, f"{words}: {done.stderr}{done.stdout}{self.tails()}"
        return json.loads(done.stdout)

    def sign(self, *words: str) -> Any:
        return self.run(*words, "--keys", str(self._keys), "--passphrase-file", str(self._passphrase))

    def publish(self, bundle: Path) -> str:
        """Its digest."""
        digest: str = self.sign("publish", str(bundle))["published"]["digest"]
        assert digest == read_bundle(bundle).digest
        return digest

    def roll_out(self, release: str, status: int = DONE) -> dict[str, Any]:
        """One node, then all; what it is in the end."""
        waves = ("--wave", "canary=1", "--wave", "all=100%")
        told: dict[str, Any] = self.run(
            "rollout", "create", release, *waves, "--probation", "2s", "--watch",
            status=status,
        )["rollout"]  # fmt: skip
        return told

    def nodes(self, rollout: int, status: int = DONE) -> dict[str, dict[str, Any]]:
        """Each node of a rollout by name."""
        shown = self.run("rollout", "show", str(rollout), status=status)
        return {one["node"]: one for one in shown["nodes"]}

    def births(self) -> dict[str, str]:
        """Node → digest of what it runs, as its last birth says."""
        file = self.folder / "store" / "soundpost.db"
        if self._database is None:
            if not file.exists():
                return {}
            self._database = Database(f"sqlite:///{file}")
        with self._database.read() as connection:
            return {name: node.digest for name, node in known_nodes(connection).items()}

    def run_models(self, node: str) -> Any:
        """``edge-agent models``."""
        config = str(self.folder / f"{node}.toml")
        command = [*AGENT, "models", "--json", "--config", config]
        done = subprocess.run(command, capture_output=True, check=True, env=clean_environment())
        return json.loads(done.stdout)

    def first_root(self) -> str:
        return str(self._keys / "metadata" / "1.root.json")

    def tails(self) -> str:
        return "\n".join(f"{one.name}: {one.tail()}" for one in (self._serve, *self._agents))

    def _program(self, name: str, command: list[str], config: Path) -> Program:
        return Program(name, [*command, "--config", str(config)], self.folder, clean_environment())


@pytest.fixture
def operator(tmp_path: Path, broker: Mosquitto, models: Path) -> Iterator[Operator]:
    made = Operator(tmp_path, broker, models / "keywords.bundle")
    yield made
    made.end()


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_good_model_reaches_the_fleet_and_a_bad_one_the_canary(operator: Operator, tmp_path: Path) -> None:
    operator.sign("keys", "init")
    root = {"root": operator.first_root()}
    operator.begin({"attic": root, "barn": root | {"transport": "mqtt"}, NEVER: {}})
    better, worse = tmp_path / "better.bundle", tmp_path / "worse.bundle"
    better.write_bytes(another_version(operator.shipped, "9.0.0"))
    before, good = operator.publish(operator.shipped), operator.publish(better)
    assert set(operator.births().values()) == {before}

    told = operator.roll_out("keywords@9.0.0")
    assert (told["state"], [wave["counts"]["succeeded"] for wave in told["waves"]]) == ("finished", [1, 1])
    reached = {name: (one["state"], one["phase"]) for name, one in operator.nodes(told["id"]).items()}
    assert reached == dict.fromkeys(LISTENING, ("succeeded", "confirmed")) | {NEVER: ("skipped", "")}
    assert operator.births() == dict.fromkeys(LISTENING, good) | {NEVER: before}

    bad = operator.publish(broken(operator.shipped, worse))
    stopped = operator.roll_out(bad, status=REFUSED)
    assert (stopped["state"], stopped["automatic"]) == ("paused", True)
    assert stopped["reason"].startswith("wave canary: 1 of 1 nodes failed")
    nodes = operator.nodes(stopped["id"], status=REFUSED)
    [canary] = [name for name, one in nodes.items() if one["wave"] == "canary"]
    [spared] = set(LISTENING) - {canary}
    assert (nodes[canary]["state"], nodes[canary]["phase"]) == ("failed", "refused")
    assert "self-test" in nodes[canary]["reason"]
    assert nodes[spared]["state"] == "waiting"
    assert bad in json.dumps(operator.run_models(canary))
    assert bad not in json.dumps(operator.run_models(spared)), "it never heard of it"
    assert operator.births() == dict.fromkeys(LISTENING, good) | {NEVER: before}

    assert operator.run("rollback", str(stopped["id"]))["rollouts"] == []
    [back] = operator.run("rollback", str(told["id"]), "--reason", "we liked the old one")["rollouts"]
    assert operator.run("rollout", "show", str(back["id"]), "--watch")["rollout"]["state"] == "finished"
    assert operator.births() == dict.fromkeys(ALL, before)
    assert operator.run("audit", "--verify")["intact"]
