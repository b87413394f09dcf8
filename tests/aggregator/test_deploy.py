"""What lies in deploy/ is what the program would write and can read."""

import re
import subprocess
from pathlib import Path

from aggregator import broker_files
from aggregator.services.authority import AuthorityService
from aggregator.services.broker_place import BrokerPlace
from aggregator.settings import load
from tests.conftest import ROOT

BROKER = ROOT / "deploy" / "broker"
AGGREGATOR = ROOT / "deploy" / "aggregator"


def test_the_brokers_examples_are_what_the_command_writes(tmp_path: Path) -> None:
    folder, authority = Path("/etc/mosquitto/soundpost"), AuthorityService(tmp_path)
    authority.publish(lambda: [])
    place = BrokerPlace(folder=str(folder), hosts=("hub.example",), port=8883, inner_port=8884)
    plan = broker_files.certified(
        place, authority, bind="0.0.0.0", inner_bind="127.0.0.1", namespace="soundpost"
    )
    assert (BROKER / "mosquitto.conf.example").read_text() == plan.files["mosquitto.conf"]
    assert (BROKER / "acl.example").read_text() == plan.files["acl"]
    plain = broker_files.plan(folder, port=1883, bind="127.0.0.1", nodes=(), namespace="soundpost")
    assert (BROKER / "mosquitto.plain.conf.example").read_text() == plain.files["mosquitto.conf"]


def test_the_installer_is_a_sound_script_and_explains_itself() -> None:
    script = AGGREGATOR / "install.sh"
    subprocess.run(["sh", "-n", str(script)], check=True)
    told = subprocess.run(["sh", str(script), "--help"], capture_output=True, text=True, check=True)
    assert "Asks nothing" in told.stdout
    refused = subprocess.run(["sh", str(script), "--what"], capture_output=True, text=True)
    assert (refused.returncode, "unknown option" in refused.stderr) == (1, True)


def test_the_installer_finds_every_setting_that_it_fills_in() -> None:
    script, example = (AGGREGATOR / "install.sh").read_text(), (AGGREGATOR / "aggregator.toml").read_text()
    patterns = re.findall(r'"[^"|]*s\|(\^[^|]+)\|', script)
    assert len(patterns) == 4
    for pattern in patterns:
        assert re.search(pattern, example, re.MULTILINE), pattern


def test_the_broker_hears_of_a_new_list_at_once_and_of_new_certificates_daily() -> None:
    units = {path.suffix: path.read_text() for path in BROKER.glob("soundpost-broker-refresh.*")}
    assert set(units) == {".service", ".path", ".timer"}
    assert "ca/revoked.crl" in units[".path"]
    assert "aggregator broker refresh" in units[".service"]
    assert "OnCalendar=daily" in units[".timer"]


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
