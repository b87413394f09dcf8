"""The commands as a user meets them."""

import io
import json
import os
import signal
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from aggregator import logs
from aggregator.__main__ import main
from aggregator.store import schema
from tests.aggregator.messages import birth, detection
from tests.aggregator.node import Node
from tests.aggregator.programs import Programs
from tests.broker import Mosquitto, free_port
from tests.waiting import wait_until


@dataclass(frozen=True)
class Done:
    status: int
    out: str
    err: str


@pytest.fixture
def run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Done]:
    """Runs a command to its end, in this process."""
    monkeypatch.setattr(logs, "start", lambda _level: None)
    for name in [name for name in os.environ if name.startswith("SOUNDPOST_")]:
        monkeypatch.delenv(name)

    def run(*words: str, typed: str = "") -> Done:
        monkeypatch.setattr("sys.stdin", io.StringIO(typed))
        status = main([*words, f"--store-folder={tmp_path / 'data'}"])
        told = capsys.readouterr()
        return Done(status, told.out, told.err)

    return run


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


def test_web_alone_asks_for_a_migration(run: Callable[..., Done]) -> None:
    done = run("web")
    assert done.status == 1
    assert "aggregator migrate" in done.err


def test_migrate_password_and_stats(run: Callable[..., Done]) -> None:
    assert f"has version {schema.VERSIONS[-1]}" in run("migrate").out
    assert run("password", typed="tiny\n").status == 1
    assert run("password", typed="long enough\n").status == 0
    told = json.loads(run("stats", "--json").out)
    assert (told["stored"], told["stored_twice"], told["latency"]["p95_ms"]) == (0, 0, None)
    assert "stored_twice" in run("stats").out


def test_a_wrong_setting_is_one_sentence(run: Callable[..., Done]) -> None:
    done = run("stats", "--broker-port=many")
    assert done == Done(1, "", "aggregator: broker.port: 'many' is not a whole number\n")


def test_a_data_folder_that_cannot_be_is_one_sentence(run: Callable[..., Done], tmp_path: Path) -> None:
    (tmp_path / "data").touch()
    done = run("migrate")
    assert done.status == 1
    assert "cannot be made" in done.err


def test_the_brokers_configuration_is_written_with_advice(run: Callable[..., Done], tmp_path: Path) -> None:
    done = run("broker", "config", f"--into={tmp_path / 'broker'}", "--node=attic", "--port=1884")
    assert done.status == 0
    assert "node attic" in done.out
    assert "listener 1884 127.0.0.1" in (tmp_path / "broker" / "mosquitto.conf").read_text()
    assert run("broker", "config", f"--into={tmp_path / 'broker'}").status == 1


@pytest.mark.parametrize("words", [["--help"], ["serve", "--help"], ["broker", "config", "--help"]])
def test_help_teaches(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="0"):
        main(words)
    assert "usage: aggregator" in capsys.readouterr().out


def _answers(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=2):
            return True
    except OSError:
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
