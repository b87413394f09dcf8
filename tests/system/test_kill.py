"""kill -9 of agent, broker and aggregator, in turn, while audio plays: nothing is lost, nothing doubled."""

import random
import time
from pathlib import Path

import pytest

from tests.broker import Mosquitto
from tests.conftest import ROOT
from tests.system.fleet import Fleet
from tests.waiting import wait_until

KILLS = 10


@pytest.mark.slow
def test_ten_kills_lose_nothing_and_double_nothing(tmp_path: Path, broker: Mosquitto, models: Path) -> None:
    sounds = ROOT / "aggregator" / "demo_sounds" / "words"
    fleet = Fleet(tmp_path, broker, models / "keywords.bundle", sounds, policy="all")
    victims = {"agent": fleet.agent, "broker": broker, "ingest": fleet.ingest}
    dice = random.Random(7)
    try:
        fleet.ingest.start()
        fleet.agent.start()
        wait_until(lambda: fleet.statistics()["stored"] > 0, "a first message stored", 60)
        for number in range(KILLS):
            time.sleep(dice.uniform(1.0, 2.5))
            victim = victims[list(victims)[number % len(victims)]]
            victim.kill()
            time.sleep(dice.uniform(0.1, 1.0))
            victim.start()
        time.sleep(2)
        fleet.agent.stop()
        fleet.agent.start("--seconds", "1")
        wait_until(lambda: not fleet.agent.running(), "the agent delivers everything and ends", 60)
        produced = sum(boot["last_sequence"] for boot in fleet.outbox()["boots"])
        told = fleet.statistics()
    finally:
        fleet.stop()
    assert produced > KILLS
    assert fleet.outbox()["rows"] == 0, fleet.agent.tail()
    assert told["stored"] + told["gaps"] == produced
    assert told["stored_twice"] == 0
    assert told["quarantined"] == 0
