"""What lies in deploy/ is what the program would write and can read."""

from pathlib import Path

from aggregator import broker_files
from aggregator.settings import load
from tests.conftest import ROOT

BROKER = ROOT / "deploy" / "broker"
AGGREGATOR = ROOT / "deploy" / "aggregator"


def test_the_brokers_examples_are_what_the_command_writes() -> None:
    plan = broker_files.plan(
        Path("/etc/mosquitto/soundpost"), port=1883, bind="127.0.0.1", nodes=(), namespace="soundpost"
    )
    assert (BROKER / "mosquitto.conf.example").read_text() == plan.files["mosquitto.conf"]
    assert (BROKER / "acl.example").read_text() == plan.files["acl"]


def test_the_example_settings_are_accepted_also_with_every_default_written_out(tmp_path: Path) -> None:
    example = (AGGREGATOR / "aggregator.toml").read_text()
    assert load(AGGREGATOR / "aggregator.toml", {}, {}).retention.windows_days == 365
    lines = [
        line.removeprefix("#") if " = " in line and line[1] != " " else line for line in example.split("\n")
    ]
    full = tmp_path / "full.toml"
    full.write_text("\n".join(lines))
    assert load(full, {}, {}) == load(AGGREGATOR / "aggregator.toml", {}, {})


def test_the_unit_is_hardened_and_starts_again() -> None:
    unit = (AGGREGATOR / "soundpost-aggregator.service").read_text().splitlines()
    wanted = (
        "NoNewPrivileges=yes",
        "ProtectSystem=strict",
        "DynamicUser=yes",
        "Restart=always",
        "MemoryMax=1G",
    )
    assert set(wanted) <= set(unit)
