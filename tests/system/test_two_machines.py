"""From two machines that know nothing of each other to a fleet with TLS, as docs/enrolment.md tells it."""

import json
from pathlib import Path

import pytest

from tests.broker import MOSQUITTO
from tests.conftest import ROOT
from tests.system.machines import two_machines
from tests.waiting import wait_until

WORDS = ROOT / "aggregator" / "demo_sounds" / "words"


@pytest.mark.slow
def test_a_stranger_makes_a_fleet_of_two_machines(tmp_path: Path, models: Path) -> None:
    if MOSQUITTO is None:
        pytest.skip("needs mosquitto: apt-get install mosquitto")
    with two_machines(tmp_path) as (hub, node):
        broker, settings = hub.folder / "broker", hub.folder / "aggregator.toml"
        url = f"https://{hub.address}:8443"
        settings.write_text(
            f'[store]\nfolder = "{hub.folder / "data"}"\n[ota]\nurl = "{url}"\n'
            '[web]\nhost = "0.0.0.0"\nport = 8443\nhttps = true\n'
        )
        # What deploy/aggregator/install.sh does.
        hub.run(
            "aggregator", "broker", "config", "--config", settings, "--into", broker, "--bind", "0.0.0.0",
            "--host", hub.address,
        )  # fmt: skip
        with (broker / "mosquitto.conf").open("a") as file:
            file.write("user root\n")  # the tests' folders are closed to other users
        hub.environment = dict(
            line.split("=", 1) for line in (broker / "aggregator.env").read_text().splitlines()
        )
        hub.start("broker", MOSQUITTO, "-c", broker / "mosquitto.conf")
        wait_until(lambda: hub.reaches("127.0.0.1", 8884), "the broker listens")
        hub.start("serve", "aggregator", "serve", "--config", settings)
        log = hub.log("serve")
        wait_until(lambda: "listening to the nodes" in log.read_text(), "ingest signs in at the broker")
        wait_until(lambda: hub.reaches("127.0.0.1", 8443), "the dashboard answers")

        checked = json.loads(hub.run("aggregator", "broker", "check", "--config", settings, "--json"))
        assert checked["ok"], checked
        told = json.loads(hub.run("aggregator", "node", "add", "attic", "--config", settings, "--json"))
        assert told["url"] == url

        # What deploy/edge/install.sh --enroll does.
        state = ("--node-state", node.folder / "state")
        node.run("edge-agent", "enroll", told["url"], told["token"], *state)
        node.start(
            "agent", "edge-agent", "run", *state, "--model-bundle", models / "keywords.bundle",
            "--input-source", "files", "--input-path", WORDS, "--input-loop", "true",
        )  # fmt: skip

        def stored() -> int:
            told = json.loads(hub.run("aggregator", "stats", "--config", settings, "--json"))
            return int(told["stored"])

        wait_until(lambda: stored() > 0, "what the node hears is stored")
        assert "broker=10.77.0.1" in node.log("agent").read_text()
        assert not node.reaches(hub.address, 8884), "the aggregator's own door is closed to nodes"
        assert not node.reaches(hub.address, 1883), "nothing is open without TLS"
        listed = json.loads(hub.run("aggregator", "node", "list", "--config", settings, "--json"))
        assert [(one["node"], one["standing"]) for one in listed["nodes"]] == [("attic", "enrolled")]
        revoked = json.loads(hub.run("aggregator", "node", "revoke", "attic", "--config", settings, "--json"))
        assert revoked["problem"] == ""
        wait_until(lambda: "not connected" in node.log("agent").read_text(), "the node is cut off")
