"""The commands as a user meets them."""

import os
import signal
import socket
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.aggregator.messages import birth, detection
from tests.aggregator.node import Node, wait_until
from tests.aggregator.programs import Programs
from tests.broker import Mosquitto, free_port


@pytest.fixture
def programs(tmp_path: Path) -> Iterator[Programs]:
    made = Programs(tmp_path, store_folder=tmp_path / "data", web_port=free_port(), broker_port=free_port())
    yield made
    made.end()


def test_serve_runs_everything_heals_itself_and_stops(tmp_path: Path, broker: Mosquitto) -> None:
    port = free_port()
    programs = Programs(tmp_path, store_folder=tmp_path / "data", web_port=port, broker_port=broker.port)
    serve = programs.start("serve")
    try:
        wait_until(lambda: _answers(port), "the dashboard answers")
        log = programs.log("serve")
        wait_until(lambda: "connected to the broker" in log.read_text(), "ingest connects")
        assert "empty, needed is" in log.read_text()
        assert "/setup?code=" in log.read_text()
        with Node(broker.port) as node:
            node.send(birth(), detection(1))
            wait_until(lambda: node.through == 1, "a detection is stored")
            os.kill(_process(log, "ingest"), signal.SIGKILL)
            wait_until(lambda: log.read_text().count("connected to the broker") == 2, "ingest is back")
            node.send_until_acknowledged(2)
        serve.terminate()
        assert serve.wait(15) == 0
        assert "is killed" not in log.read_text()
    finally:
        programs.end()
    assert programs.statistics()["detections"] == 2


def test_children_end_when_serve_is_killed(tmp_path: Path, broker: Mosquitto) -> None:
    port = free_port()
    programs = Programs(tmp_path, store_folder=tmp_path / "data", web_port=port, broker_port=broker.port)
    serve = programs.start("serve")
    try:
        wait_until(lambda: _answers(port), "the dashboard answers")
        children = [_process(programs.log("serve"), name) for name in ("ingest", "web")]
        serve.kill()
        serve.wait()
        wait_until(lambda: not any(_runs(child) for child in children), "the children end")
    finally:
        programs.end()


def test_web_alone_asks_for_a_migration(programs: Programs) -> None:
    done = programs.run("web")
    assert done.returncode == 1
    assert "aggregator migrate" in done.stderr


def test_migrate_password_and_stats(programs: Programs) -> None:
    assert "has version 0001" in programs.run("migrate").stdout
    assert programs.run("password", typed="tiny\n").returncode == 1
    assert programs.run("password", typed="long enough\n").returncode == 0
    told = programs.statistics()
    assert (told["stored"], told["stored_twice"], told["latency"]["p95_ms"]) == (0, 0, None)
    assert "stored_twice" in programs.run("stats").stdout


def test_a_wrong_setting_is_one_sentence(programs: Programs) -> None:
    done = programs.run("stats", "--broker-port=many")
    assert done.returncode == 1
    assert done.stderr == "aggregator: broker.port: 'many' is not a whole number\n"


def test_a_data_folder_that_cannot_be_is_one_sentence(programs: Programs, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    done = programs.run("migrate", f"--store-folder={tmp_path / 'file' / 'data'}")
    assert done.returncode == 1
    assert "cannot be made" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("words", [["--help"], ["serve", "--help"], ["broker", "config", "--help"]])
def test_help_teaches(programs: Programs, words: list[str]) -> None:
    done = programs.run(words[0], *words[1:]) if words != ["--help"] else programs.run("--help")
    assert done.returncode == 0
    assert "usage: aggregator" in done.stdout


def _answers(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=2):
            return True
    except (OSError, socket.timeout):  # noqa: UP041
        return False


def _process(log: Path, name: str) -> int:
    words = log.read_text().split(f"{name} runs as process ")[-1]
    return int(words.split('"')[0])


def _runs(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    state = Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()[0]
    return state != "Z"
