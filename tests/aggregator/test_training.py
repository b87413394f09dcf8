"""Trainings from the request to the verdict, with a real child process that behaves or does not."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from aggregator import bootstrap
from aggregator.errors import TrainingError, UnknownTrainingError
from aggregator.services import factory_command
from aggregator.services.retrain import RetrainService
from aggregator.store.database import Database
from aggregator.training import processes
from aggregator.training.trainer import Trainer
from tests.aggregator.learning import STARTER, Workshop
from tests.conftest import ROOT
from tests.waiting import wait_until

Start = Callable[..., "subprocess.Popen[bytes]"]


@pytest.fixture
def workshop(tmp_path: Path) -> Iterator[Workshop]:
    made = Workshop(tmp_path)
    yield made
    made.close()


def test_a_training_ends_with_a_verdict(workshop: Workshop) -> None:
    asked = workshop.trainings.ask("mia")
    assert (asked.state, asked.who, asked.trigger) == ("waiting", "mia", "person")
    workshop.work()
    done = workshop.trainings.get(asked.id)
    assert (done.state, done.error, done.attempts, done.pid) == ("finished", None, 1, None)
    assert [point.epoch for point in done.progress.curve] == [1, 2, 3, 4]
    starter, candidate = reversed(workshop.releases.every())
    assert (starter.state, starter.in_service, starter.decided_by) == ("accepted", True, "settings")
    assert (candidate.id, candidate.parent_id) == (done.release_id, starter.id)
    assert (candidate.snapshot_id, candidate.training_id) == (done.snapshot_id, done.id)
    assert (candidate.state, candidate.passed, candidate.in_service) == ("waiting", True, False)
    detail = workshop.releases.detail(candidate.id)
    assert detail.verdict is not None
    assert "passed: accuracy on base clips stayed at 92.5 % of 200" in [
        rule.sentence for rule in detail.verdict.rules
    ]
    assert detail.candidate is not None
    assert len(detail.candidate.clips) == 200
    assert workshop.releases.bundle_path(candidate.digest).is_file()
    assert not (workshop.settings.folder / "trainings" / str(done.id)).exists()
    assert "judge incumbent" in workshop.told()
    nice = workshop.told()[0].split()[3]
    assert int(nice) >= 15
    session_nice = workshop.told()[1].split()[-1]
    assert session_nice in ("None", "10"), "a session of its own is not worth as much as that of ingest"


def test_the_incumbent_is_measured_once_per_snapshot(workshop: Workshop) -> None:
    for _ in range(2):
        workshop.trainings.ask("mia")
        workshop.work()
    assert workshop.told().count("judge incumbent") == 2
    assert workshop.told().count("judge candidate") == 2
    assert len(workshop.releases.every()) == 2, "the same windows give the same bundle"


def test_the_gate_may_accept_by_itself(tmp_path: Path) -> None:
    workshop = Workshop(tmp_path, accept="gate")
    workshop.trainings.ask("mia")
    workshop.work()
    newest = workshop.releases.every()[0]
    assert (newest.state, newest.decided_by, newest.in_service) == ("accepted", "gate", True)
    workshop.poison()
    workshop.review(9)
    workshop.trainings.ask("mia")
    workshop.work()
    poisoned = workshop.releases.every()[0]
    assert (poisoned.state, poisoned.in_service, poisoned.parent_id) == ("refused", False, newest.id)
    workshop.close()


@pytest.mark.parametrize(
    ("behaviour", "words"),
    [
        ("crash", "model-build retrain failed with exit status 7\nTraceback: the roof fell in"),
        ("no module", "pip install 'soundpost[train]'"),
        ("nothing", "wrote no candidate.bundle"),
    ],
)
def test_a_factory_that_fails_is_quoted(workshop: Workshop, behaviour: str, words: str) -> None:
    workshop.plan(behaviour=behaviour)
    asked = workshop.trainings.ask("mia")
    workshop.work()
    done = workshop.trainings.get(asked.id)
    assert done.state == "failed"
    assert words in (done.error or "")
    assert len(workshop.releases.every()) == 1


def test_rubbish_between_the_lines_does_no_harm(workshop: Workshop) -> None:
    workshop.plan(behaviour="rubbish")
    asked = workshop.trainings.ask("mia")
    workshop.work()
    done = workshop.trainings.get(asked.id)
    assert done.state == "finished"
    assert [point.epoch for point in done.progress.curve] == [1, 2, 3, 4]


def test_a_factory_that_eats_memory_is_ended_with_a_clear_reason(tmp_path: Path) -> None:
    workshop = Workshop(tmp_path, memory_mb=300)
    workshop.plan(behaviour="eat")
    asked = workshop.trainings.ask("mia")
    workshop.work()
    done = workshop.trainings.get(asked.id)
    assert done.state == "failed"
    assert "needed more than 300 MB ([training] memory_mb)" in (done.error or "")
    workshop.close()


def test_a_factory_that_hangs_is_ended_with_all_it_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from aggregator.training import child

    def clock() -> float:
        """However slow the machine: two hours are over when the factory hangs, and not before."""
        hangs = any(line.startswith("grandchild") for line in workshop.told())
        return time.monotonic() + (7200.0 if hangs else 0.0)

    monkeypatch.setattr(child, "GRACE_S", 0.5)
    monkeypatch.setattr(child, "time", SimpleNamespace(monotonic=clock, sleep=time.sleep))
    workshop = Workshop(tmp_path, hours=1.0)
    workshop.plan(behaviour="hang")
    asked = workshop.trainings.ask("mia")
    workshop.work()
    done = workshop.trainings.get(asked.id)
    assert done.state == "failed"
    assert "took longer than" in (done.error or "")
    grandchild = next(int(line.split()[1]) for line in workshop.told() if line.startswith("grandchild"))
    wait_until(lambda: not _runs(grandchild), "what the child has started ends")
    workshop.close()


@pytest.mark.parametrize("figures", [{"schema": 9}, {"bundle_digest": "00" * 32}, {"windows": []}])
def test_figures_that_cannot_be_used_fail_the_training(workshop: Workshop, figures: dict[str, Any]) -> None:
    plan = json.loads(workshop.base.read_text())
    workshop.plan(candidate=plan["candidate"] | figures)
    asked = workshop.trainings.ask("mia")
    workshop.work()
    done = workshop.trainings.get(asked.id)
    assert done.state == "failed"
    assert done.error
    assert len(workshop.releases.every()) == 1


def test_without_reviews_the_training_fails_with_advice(workshop: Workshop) -> None:
    workshop.dataset.review([], workshop.frontend_digest)
    asked = workshop.trainings.ask("mia")
    workshop.work()
    assert "review some first" in (workshop.trainings.get(asked.id).error or "")


def test_our_secrets_are_not_the_factorys(workshop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOUNDPOST_AGGREGATOR_BROKER_PASSWORD", "hunter2")
    workshop.trainings.ask("mia")
    workshop.work()
    assert workshop.told()[0].endswith("None")


def test_two_requests_at_once_are_one_training(any_database: Database) -> None:
    trainings = RetrainService(any_database)
    start = threading.Barrier(8)
    asked: list[int] = []

    def ask(number: int) -> None:
        start.wait()
        asked.append(trainings.ask(f"reader {number}").id)

    threads = [threading.Thread(target=ask, args=[number]) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(asked)) == 1
    assert len(trainings.unfinished()) == 1


def test_one_more_may_wait_while_one_runs(any_database: Database) -> None:
    trainings = RetrainService(any_database)
    first = trainings.begin(trainings.ask("mia").id)
    second = trainings.ask("noa")
    assert (first.state, second.state) == ("freezing", "waiting")
    assert trainings.ask("ida").id == second.id
    with pytest.raises(TrainingError, match="cannot become finished"):
        trainings.move(second.id, "finished")


def test_cancelling(any_database: Database) -> None:
    trainings = RetrainService(any_database)
    waiting = trainings.ask("mia")
    cancelled = trainings.cancel(waiting.id, "noa")
    assert (cancelled.state, cancelled.cancelled_by) == ("cancelled", "noa")
    with pytest.raises(TrainingError, match="ended already"):
        trainings.cancel(waiting.id, "noa")
    with pytest.raises(TrainingError, match="cannot become"):
        trainings.begin(waiting.id)
    with pytest.raises(UnknownTrainingError, match="no training 99"):
        trainings.cancel(99, "noa")


@pytest.mark.parametrize("let_go", [False, True])
def test_a_training_is_cancelled_while_it_runs(workshop: Workshop, let_go: bool) -> None:
    """Also where the child goes on and ends by itself before anybody tells it to."""
    hold = workshop.folder / "hold"
    hold.touch()
    workshop.plan(hold=str(hold), hold_after=1)
    asked = workshop.trainings.ask("mia")

    def cancel() -> None:
        wait_until(lambda: "epoch 1" in workshop.told(), "it learns")
        workshop.trainings.cancel(asked.id, "noa")
        if let_go:
            hold.unlink()

    thread = threading.Thread(target=cancel)
    thread.start()
    workshop.work()
    thread.join()
    done = workshop.trainings.get(asked.id)
    assert (done.state, done.cancelled_by, done.pid) == ("cancelled", "noa", None)
    assert "judge candidate" not in workshop.told()
    assert not (workshop.settings.folder / "trainings" / str(asked.id)).exists()


def test_how_far_judging_is_can_be_seen(workshop: Workshop) -> None:
    hold = workshop.folder / "hold"
    hold.touch()
    workshop.plan(hold_judge=str(hold))
    asked = workshop.trainings.ask("mia")

    def seen() -> bool:
        told = workshop.trainings.get(asked.id).progress
        return (told.what, told.done, told.total) == ("judging windows", 3.0, 4.0)

    thread = threading.Thread(target=workshop.work)
    thread.start()
    try:
        wait_until(seen, "it is said how far judging is")
    finally:
        hold.unlink()
        thread.join()
    assert workshop.trainings.get(asked.id).state == "finished"


def test_stopping_in_good_order_goes_on_later(workshop: Workshop) -> None:
    workshop.plan(epoch_s=0.2)
    asked = workshop.trainings.ask("mia")
    workshop.trainer().run(lambda: "epoch 2" in workshop.told())
    paused = workshop.trainings.get(asked.id)
    assert (paused.state, paused.attempts, paused.pid) == ("learning", 0, None)
    workshop.work()
    assert workshop.trainings.get(asked.id).state == "finished"
    epochs = [line for line in workshop.told() if line.startswith("epoch")]
    assert epochs == sorted(set(epochs)), "no epoch was learned twice"


@pytest.fixture
def start(workshop: Workshop) -> Iterator[Start]:
    """Starts ``aggregator trainer`` as a process of its own, that a test may kill."""
    started: list[subprocess.Popen[bytes]] = []

    def start(*words: str) -> "subprocess.Popen[bytes]":
        with (workshop.folder / "trainer.log").open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "tests.aggregator.training_program", "trainer", *words],
                cwd=ROOT, env=workshop.environment(), stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            )  # fmt: skip
        started.append(process)
        return process

    yield start
    for process in started:
        if process.poll() is None:
            process.kill()
            process.wait()


def test_killing_the_trainer_half_way_loses_nothing(workshop: Workshop, start: Start) -> None:
    workshop.plan(epoch_s=0.3)
    asked = workshop.trainings.ask("mia")
    first = start()
    wait_until(lambda: "epoch 2" in workshop.told(), "it learns")
    child = workshop.trainings.get(asked.id).pid
    assert child is not None
    first.kill()
    first.wait()
    wait_until(lambda: not _runs(child), "the child ends with its parent")
    assert workshop.trainings.get(asked.id).state == "learning"
    second = start("--until-idle")
    assert second.wait(60) == 0
    done = workshop.trainings.get(asked.id)
    assert (done.state, done.attempts) == ("finished", 2)
    starts = [line for line in workshop.told() if line.startswith("start")]
    assert [line.split()[1] == "0" for line in starts] == [True, False], "it went on from its work folder"
    assert len(list((workshop.settings.folder / "snapshots").iterdir())) == 1


def test_killing_the_child_fails_the_training_with_the_signal(workshop: Workshop, start: Start) -> None:
    workshop.plan(epoch_s=0.3)
    asked = workshop.trainings.ask("mia")
    program = start("--until-idle")
    wait_until(lambda: "epoch 1" in workshop.told(), "it learns")
    child = workshop.trainings.get(asked.id).pid
    assert child is not None
    os.kill(child, signal.SIGKILL)
    assert program.wait(60) == 0
    done = workshop.trainings.get(asked.id)
    assert done.state == "failed"
    assert "was killed by signal 9" in (done.error or "")


def test_a_training_that_always_kills_its_trainer_is_given_up(workshop: Workshop) -> None:
    asked = workshop.trainings.ask("mia")
    for _ in range(workshop.settings.training.attempts):
        workshop.trainings.begin(asked.id)
    workshop.work()
    done = workshop.trainings.get(asked.id)
    assert done.state == "interrupted"
    assert "killed 3 times" in (done.error or "")


def test_a_leftover_child_is_ended_but_no_stranger(workshop: Workshop) -> None:
    sleeper = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True)
    ticks = processes.start_ticks(sleeper.pid)
    assert ticks is not None
    assert not processes.end_leftover(sleeper.pid, ticks - 1), "another process has that id now"
    asked = workshop.trainings.ask("mia")
    workshop.trainings.begin(asked.id)
    workshop.trainings.works_as(asked.id, sleeper.pid, ticks)
    workshop.work()
    assert sleeper.wait(10) == -signal.SIGKILL
    assert workshop.trainings.get(asked.id).state == "finished"
    assert processes.start_ticks(sleeper.pid) is None


def test_only_one_trainer_works_for_a_folder(workshop: Workshop, start: Start) -> None:
    first = start()
    wait_until(lambda: bootstrap.trainer_runs(workshop.settings), "the first has begun")
    assert start().wait(30) == 1
    assert "another trainer works for" in (workshop.folder / "trainer.log").read_text()
    first.terminate()
    assert first.wait(20) == 0


def test_a_night_with_enough_labels(workshop: Workshop) -> None:
    moment = datetime(2026, 5, 2, 2, 31)
    for needed, asked in ((13, 0), (12, 1)):
        settings = _with(workshop, nightly="02:30", nightly_labels=needed)
        _trainer(workshop, settings, moment).run(lambda: False, until_idle=True)
        assert len(workshop.trainings.newest()) == asked
    done = workshop.trainings.newest()[0]
    assert (done.state, done.trigger, done.who) == ("finished", "schedule", "the schedule")
    for day, needed, asked in ((3, 1, 1), (4, 12, 2)):
        if day == 4:
            workshop.review(12, "no")
        settings = _with(workshop, nightly="02:30", nightly_labels=needed)
        _trainer(workshop, settings, datetime(2030, 5, day, 2, 31)).run(lambda: False, until_idle=True)
        assert len(workshop.trainings.newest()) == asked, "what the last snapshot holds is not new"


def _with(workshop: Workshop, **training: Any) -> Any:
    return replace(workshop.settings.training, **training)


def _trainer(workshop: Workshop, settings: Any, now: datetime) -> Trainer:
    made = workshop.trainer()
    made._settings = settings
    made._now = lambda: now
    return made


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"base": ""}, "retraining is off"),
        ({"base": "/nowhere.base"}, "there is no base archive"),
        ({"bundle": ""}, "no bundle named"),
        ({"bundle": "/nowhere.bundle"}, "no bundle /nowhere.bundle"),
        ({"command": "no-such-program --fast"}, "no-such-program is not installed here: pip install"),
        ({"command": "'"}, "is not installed here"),
    ],
)
def test_what_is_missing_is_said(tmp_path: Path, settings: dict[str, str], words: str) -> None:
    base = tmp_path / "x.base"
    base.touch()
    wanted = {"command": sys.executable, "base": str(base), "bundle": str(STARTER)} | settings
    command = wanted.pop("command")
    found = factory_command.find(command, **wanted)
    assert words in (found.missing or "")
    assert found.words == ()


def test_a_machine_that_cannot_train_is_not_asked_to(workshop: Workshop) -> None:
    workshop.base.unlink()
    with pytest.raises(TrainingError, match="no base archive"):
        workshop.trainings.ask("mia")
    assert workshop.trainings.newest() == []


def _runs(process: int) -> bool:
    try:
        state = Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except OSError:
        return False
    return state != "Z"
