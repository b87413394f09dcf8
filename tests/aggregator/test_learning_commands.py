"""``aggregator retrain`` and ``aggregator releases`` as a user, or a script, meets them."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.aggregator.learning import Workshop
from tests.broker import free_port
from tests.conftest import ROOT
from tests.waiting import wait_until

Done = subprocess.CompletedProcess[str]


@pytest.fixture
def workshop(tmp_path: Path) -> Iterator[Workshop]:
    made = Workshop(tmp_path)
    yield made
    made.close()


@pytest.fixture
def environment(workshop: Workshop) -> dict[str, str]:
    """In it also the programs that a command starts know the reviews of ``workshop``."""
    site = workshop.folder / "site"
    site.mkdir()
    (site / "sitecustomize.py").write_text(
        "import os\n"
        "from pathlib import Path\n"
        "from aggregator import bootstrap\n"
        "from tests.aggregator.learning import FakeDataset\n"
        "bootstrap.dataset = lambda _opened: FakeDataset(Path(os.environ['REVIEWS']))\n"
    )
    return workshop.environment() | {"PYTHONPATH": f"{site}:{ROOT}"}


@pytest.fixture
def run(environment: dict[str, str]) -> Callable[..., Done]:
    """Runs a command to its end."""

    def run(*words: str) -> Done:
        return subprocess.run(
            [sys.executable, "-m", "aggregator", *words],
            cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip

    return run


def plain(done: Done) -> Any:
    return json.loads(done.stdout)


def test_waiting_ends_with_the_verdict(workshop: Workshop, run: Callable[..., Done]) -> None:
    done = run("retrain", "--wait")
    assert done.returncode == 0, done.stderr
    assert "passed: accuracy on base clips stayed at 92.5 % of 200" in done.stdout
    assert "is waiting" in done.stdout
    listed = plain(run("releases", "list", "--json"))["releases"]
    assert [(one["id"], one["state"]) for one in listed] == [(2, "waiting"), (1, "accepted")]
    shown = run("releases", "show", "2")
    assert shown.returncode == 0
    assert "the gate passes it" in shown.stdout
    assert run("releases", "accept", "2", "--by", "mia").stdout.endswith("is the model in service now\n")
    assert "→" in run("releases", "list").stdout.splitlines()[1]
    again = run("releases", "accept", "2")
    assert (again.returncode, again.stderr) == (1, "aggregator: this release is accepted already\n")


def test_a_refusal_has_a_status_of_its_own(workshop: Workshop, run: Callable[..., Done]) -> None:
    workshop.poison()
    done = run("retrain", "--wait", "--json")
    assert done.returncode == 3, done.stderr
    told = plain(done)
    assert told["training"]["state"] == "finished"
    assert told["verdict"]["passed"] is False
    assert run("releases", "show", "2").returncode == 3
    compared = run("releases", "compare", "2", "1")
    assert compared.returncode == 3
    assert "refused: false alarms per hour rose from 0.3 to 2.1" in compared.stdout
    refused = run("releases", "accept", "2")
    assert refused.returncode == 1
    assert "say why it is accepted all the same" in refused.stderr
    accepted = plain(run("releases", "accept", "2", "--reason", "I was there", "--json"))
    assert accepted["decision"]["over_refusal"] is True
    assert accepted["release"]["in_service"] is True
    assert run("releases", "refuse", "2", "--reason", "it barks").returncode == 0
    assert plain(run("releases", "show", "2", "--json"))["release"]["state"] == "refused"


def test_a_failure_has_a_status_of_its_own(workshop: Workshop, run: Callable[..., Done]) -> None:
    workshop.plan(behaviour="crash")
    done = run("retrain", "--wait")
    assert done.returncode == 4
    assert "failed with exit status 7" in done.stdout


def test_asking_without_waiting(workshop: Workshop, run: Callable[..., Done]) -> None:
    asked = run("retrain")
    assert asked.returncode == 0
    assert "training 1 is waiting; nobody works the queue off" in asked.stdout
    assert run("retrain", "--cancel").stdout == "training 1 is cancelled\n"
    assert run("retrain", "--cancel").returncode == 1
    workshop.base.unlink()
    missing = run("retrain", "--wait")
    assert missing.returncode == 1
    assert "there is no base archive" in missing.stderr


def test_serve_works_the_queue_off(workshop: Workshop, environment: dict[str, str]) -> None:
    asked = workshop.trainings.ask("mia")
    with (workshop.folder / "serve.log").open("wb") as log:
        serve = subprocess.Popen(
            [sys.executable, "-m", "aggregator", "serve", f"--web-port={free_port()}", "--broker-port=1"],
            cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
        )  # fmt: skip
    try:
        wait_until(lambda: workshop.trainings.get(asked.id).ended, "a verdict", 90)
    finally:
        serve.terminate()
        assert serve.wait(30) == 0
    assert workshop.trainings.get(asked.id).state == "finished"
    assert "trainer runs as process" in (workshop.folder / "serve.log").read_text()
