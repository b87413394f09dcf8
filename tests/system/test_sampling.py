"""A policy set in the database reaches an agent over the real broker, and what is private stays there."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from aggregator.services.commands import CommandService
from aggregator.services.sampling import SamplingService
from aggregator.store.database import Database
from contract.sampling import Sampling
from tests.broker import Mosquitto
from tests.conftest import ROOT
from tests.system.fleet import Fleet
from tests.waiting import wait_until


@pytest.fixture
def fleet(tmp_path: Path, broker: Mosquitto, models: Path) -> Iterator[Fleet]:
    sounds = ROOT / "aggregator" / "demo_sounds" / "words"
    made = Fleet(tmp_path, broker, models / "keywords.bundle", sounds, policy="all")
    yield made
    made.stop()


@pytest.mark.slow
def test_a_policy_reaches_a_node_that_was_away(fleet: Fleet, tmp_path: Path) -> None:
    fleet.ingest.start()
    fleet.agent.start()
    wait_until(lambda: fleet.statistics()["windows"] > 0, "a first window stored", 60)
    database = Database(f"sqlite:///{tmp_path / 'store' / 'soundpost.db'}")
    try:
        policies = SamplingService(database, CommandService(database))
        node = lambda: policies.nodes()[0]  # noqa: E731
        assert (node().standing, node().in_force) == ("own", Sampling())
        more = Sampling(random_per_hour=5, near_miss_bytes_per_day=0)
        policies.put("fleet", "", more, by="test")
        wait_until(lambda: node().standing == "in_force", "the fleet's policy is in force", 20)
        assert node().in_force == more
        fleet.agent.stop()
        wait_until(lambda: not node().online, "the node is away")
        closed = Sampling(private=("_silence_", "_unknown_", "yes", "no"), private_least=0.0)
        policies.put("node", "node-1", closed, by="test")
        before = fleet.statistics()["windows"]
        fleet.agent.start()
        wait_until(lambda: node().in_force == closed, "the node's own policy is in force", 30)
        assert node().standing == "in_force"
        after = fleet.statistics()
        wait_until(lambda: fleet.statistics()["detections"] > after["detections"] + 2, "it still hears", 60)
        assert before <= after["windows"] <= before + 1
        assert fleet.statistics()["windows"] == after["windows"], "all is private now"
    finally:
        database.close()
