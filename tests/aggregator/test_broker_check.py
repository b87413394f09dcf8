"""``aggregator broker check``: passes what was generated, and names what a careless hand has changed."""

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from aggregator.broker_check import Check, check
from tests.aggregator.certified_broker import NAMESPACE, CertifiedBroker, certified_broker
from tests.aggregator.programs import Programs

LOOKS = {"server", "old TLS", "anonymous", "wrong authority", "expired", "revoked", "client ids", "writing",
         "reading", "size"}  # fmt: skip


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[CertifiedBroker]:
    with certified_broker(tmp_path, tmp_path / "data") as running:
        yield running


def problems(broker: CertifiedBroker) -> set[str]:
    wanted = Check(nodes=broker.nodes, inner=broker.inner, authority=broker.authority, namespace=NAMESPACE)
    findings = list(check(wanted))
    assert {one.what for one in findings} == LOOKS
    return {one.what for one in findings if not one.ok}


def careless(broker: CertifiedBroker, pattern: str, instead: str) -> set[str]:
    """What is found after a line of the configuration was changed."""
    path = Path(broker.place.folder) / "mosquitto.conf"
    changed, count = re.subn(pattern, instead, path.read_text(), flags=re.MULTILINE)
    assert count, pattern
    broker.mosquitto.stop()
    path.write_text(changed)
    broker.mosquitto.start()
    return problems(broker)


def command(broker: CertifiedBroker, tmp_path: Path, *more: str) -> "subprocess.CompletedProcess[str]":
    return Programs(tmp_path).run("broker", "check", f"--store-folder={tmp_path / 'data'}", *more)


def test_what_is_generated_passes(broker: CertifiedBroker, tmp_path: Path) -> None:
    done = command(broker, tmp_path, "--json")
    assert done.returncode == 0, done.stdout
    told = json.loads(done.stdout)
    assert told["ok"]
    assert {one["what"] for one in told["checks"]} == LOOKS


def test_a_broker_without_rights_and_without_list(broker: CertifiedBroker, tmp_path: Path) -> None:
    found = careless(broker, r"^(acl_file|crlfile|max_packet_size|message_size_limit) .*$", "")
    assert {"revoked", "writing", "reading", "size"} <= found
    done = command(broker, tmp_path)
    assert done.returncode == 3
    assert "PROBLEM revoked" in done.stdout
    assert "mend: " in done.stdout


def test_a_broker_where_client_ids_are_free(broker: CertifiedBroker) -> None:
    assert careless(broker, r"^use_username_as_clientid .*$", "") == {"client ids"}


def test_a_broker_that_asks_for_no_certificate(broker: CertifiedBroker) -> None:
    path = Path(broker.place.folder) / "mosquitto.conf"
    path.write_text(path.read_text().replace("allow_anonymous false", "allow_anonymous true"))
    found = careless(broker, r"^(require_certificate|use_.*_as_.*|crlfile|acl_file) .*$", "")
    assert {"anonymous", "revoked", "writing"} <= found


def test_a_broker_that_is_away_is_one_sentence(broker: CertifiedBroker, tmp_path: Path) -> None:
    broker.mosquitto.stop()
    done = command(broker, tmp_path)
    assert done.returncode == 1
    assert "the broker answers nowhere: 127.0.0.1:" in done.stderr
