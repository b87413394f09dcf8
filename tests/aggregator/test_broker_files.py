"""The generated configuration, on a real mosquitto: a node speaks for itself and hears only its own."""

import os
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import paho.mqtt.client as paho
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from aggregator import broker_files
from aggregator.errors import SettingsError
from contract import topics
from tests.broker import MOSQUITTO, free_port
from tests.waiting import wait_until

NAMES = ("attic", "cellar")


class Client:
    """A signed-in client that remembers what it hears."""

    def __init__(self, port: int, name: str, password: str) -> None:
        self.heard: list[str] = []
        self.client = paho.Client(CallbackAPIVersion.VERSION2, protocol=paho.MQTTv5)
        self.client.username_pw_set(name, password)
        self.client.on_message = lambda _c, _u, message: self.heard.append(message.topic)
        self.client.on_connect = self._connected
        self.client.on_subscribe = lambda *_: self.answered.set()
        self.answered = threading.Event()
        self.welcome: bool | None = None
        self.client.connect("127.0.0.1", port)
        self.client.loop_start()
        assert self.answered.wait(20)

    def _connected(self, client: paho.Client, _u: Any, _f: Any, reason: Any, _p: Any) -> None:
        self.welcome = not reason.is_failure
        if self.welcome:
            client.subscribe([("#", 1), ("soundpost/v1/+/+", 1)])
        else:
            self.answered.set()

    def close(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()


@pytest.fixture
def generated(tmp_path: Path) -> Iterator[tuple[int, dict[str, str]]]:
    if MOSQUITTO is None:
        pytest.skip("needs mosquitto: apt-get install mosquitto")
    folder, port = tmp_path / "mosquitto", free_port()
    plan = broker_files.plan(folder, port=port, bind="127.0.0.1", nodes=NAMES, namespace="soundpost")
    broker_files.write(folder, plan.files)
    if os.geteuid() == 0:  # mosquitto would become a user who may not read the folder
        with (folder / "mosquitto.conf").open("a") as file:
            file.write("user root\n")
    passwords = {name: plan.advice.split(f"password of node {name}: ")[1].split()[0] for name in NAMES}
    passwords["aggregator"] = plan.files["aggregator.env"].split("PASSWORD=")[1].strip()
    with (tmp_path / "mosquitto.log").open("wb") as log:
        process = subprocess.Popen([MOSQUITTO, "-c", str(folder / "mosquitto.conf")], stdout=log, stderr=log)
    wait_until(lambda: _open(port), (tmp_path / "mosquitto.log").read_text() or "mosquitto starts")
    yield port, passwords
    process.terminate()
    process.wait(10)


def _open(port: int) -> bool:
    import socket

    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def test_nodes_are_kept_apart(generated: tuple[int, dict[str, str]]) -> None:
    port, passwords = generated
    attic, cellar, aggregator = (Client(port, name, passwords[name]) for name in (*NAMES, "aggregator"))
    for kind in (topic.kind for topic in topics.ALL):
        for node in NAMES:
            attic.client.publish(f"soundpost/v1/{node}/{kind}", b"x", qos=1)
            aggregator.client.publish(f"soundpost/v1/{node}/{kind}", b"x", qos=1)
    from_attic = {f"soundpost/v1/attic/{topic.kind}" for topic in topics.ALL if topic.from_node}
    wait_until(lambda: set(aggregator.heard) >= from_attic, "the aggregator hears the attic")
    for_node = {
        node: {f"soundpost/v1/{node}/{topic.kind}" for topic in topics.ALL if not topic.from_node}
        for node in NAMES
    }
    wait_until(lambda: set(attic.heard) >= for_node["attic"], "the attic hears the aggregator")
    wait_until(lambda: set(cellar.heard) >= for_node["cellar"], "the cellar hears it too")
    time.sleep(0.2)
    assert set(aggregator.heard) == from_attic
    assert set(attic.heard) == for_node["attic"]
    assert set(cellar.heard) == for_node["cellar"]
    for client in (attic, cellar, aggregator):
        client.close()


def test_a_wrong_password_is_refused(generated: tuple[int, dict[str, str]]) -> None:
    client = Client(generated[0], "attic", "wrong")
    client.close()
    assert client.welcome is False


@pytest.mark.skipif(shutil.which("mosquitto_passwd") is None, reason="needs mosquitto_passwd")
def test_files_are_private_and_never_overwritten(tmp_path: Path) -> None:
    plan = broker_files.plan(tmp_path, port=1883, bind="127.0.0.1", nodes=(), namespace="soundpost")
    broker_files.write(tmp_path / "new", plan.files)
    assert {path.stat().st_mode & 0o777 for path in (tmp_path / "new").iterdir()} == {0o600}
    with pytest.raises(SettingsError, match="is there already"):
        broker_files.write(tmp_path / "new", plan.files)


@pytest.mark.parametrize("name", ["No", "a/b", "#", "aggregator"])
def test_names_that_could_mean_more_are_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(SettingsError, match="no name for a node"):
        broker_files.plan(tmp_path, port=1, bind="127.0.0.1", nodes=[name], namespace="soundpost")
