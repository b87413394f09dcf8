"""``aggregator retrain``: ask for a training, and watch it."""

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict
from typing import Any, Final

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from aggregator import bootstrap, settings
from aggregator.commands.given import say, say_json, settings_of, user
from aggregator.errors import TrainingError
from aggregator.programs import SUPERVISED
from aggregator.services.releases import ReleaseService
from aggregator.services.retrain import RetrainService, TrainingView
from aggregator.settings import Settings

PASSED, REFUSED, NOT_FINISHED = 0, 3, 4
"""Exit statuses; 1 says that something is wrong with the question."""
POLL_S: Final = 0.3


def run(arguments: argparse.Namespace) -> int:
    """Ask for a training, or cancel one; the exit status."""
    chosen = settings_of(arguments)
    with closing(bootstrap.database(chosen, migrate=True)) as opened:
        trainings, releases = bootstrap.retraining(chosen, opened), bootstrap.releases(chosen, opened)
        if arguments.cancel:
            return _cancel(trainings, as_json=arguments.json)
        training = trainings.ask(user())
        if arguments.wait:
            with _somebody_works(chosen):
                training = _watch(trainings, training, quiet=arguments.json)
        return _report(training, releases, as_json=arguments.json, advice=_advice(chosen))


def _cancel(trainings: RetrainService, *, as_json: bool) -> int:
    unfinished = trainings.unfinished()
    if not unfinished:
        raise TrainingError("no training runs or waits")
    cancelled = [trainings.cancel(one.id, user()) for one in unfinished]
    if as_json:
        say_json({"trainings": [asdict(one) for one in cancelled]})
    else:
        for one in cancelled:
            say(f"training {one.id} is cancelled" if one.ended else f"training {one.id} is asked to end")
    return PASSED


@contextmanager
def _somebody_works(chosen: Settings) -> Iterator[None]:
    """While this lasts, a trainer works the queue off: one that runs already, or one of our own."""
    if bootstrap.trainer_runs(chosen):
        yield
        return
    environment = {**os.environ, **settings.as_environment(chosen), SUPERVISED: "1"}
    command = [sys.executable, "-m", "aggregator", "trainer", "--log-level=warning"]
    # Its input ends with us, and it with its input.
    with subprocess.Popen(command, stdin=subprocess.PIPE, env=environment) as process:
        try:
            yield
        finally:
            process.terminate()


def _watch(trainings: RetrainService, training: TrainingView, *, quiet: bool) -> TrainingView:
    """Show how far the training is until it has ended."""
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.fields[figures]}"),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        disable=quiet,
    )
    with bar:
        task = bar.add_task("waiting", total=None, figures="")
        while not training.ended:
            told = training.progress
            bar.update(
                task,
                description=told.what or training.state,
                total=told.total,
                completed=told.done or 0,
                figures=_figures(training),
            )
            time.sleep(POLL_S)
            training = trainings.get(training.id)
    return training


def _figures(training: TrainingView) -> str:
    told = training.progress
    parts = [] if told.epoch is None else [f"epoch {told.epoch}/{told.epochs or '?'}"]
    if told.curve and told.curve[-1].validation_accuracy is not None:
        parts.append(f"{told.curve[-1].validation_accuracy:.1%} right")
    return ", ".join(parts)


def _report(training: TrainingView, releases: ReleaseService, *, as_json: bool, advice: str) -> int:
    detail = None if training.release_id is None else releases.detail(training.release_id)
    passed = detail is not None and detail.view.passed
    if as_json:
        content: dict[str, Any] = {"training": asdict(training), "release": None, "verdict": None}
        if detail is not None:
            content["release"] = asdict(detail.view)
            content["verdict"] = detail.verdict.to_plain() if detail.verdict else None
        say_json(content)
    elif not training.ended:
        say(f"training {training.id} is {training.state}{advice}")
    elif detail is None:
        say(f"training {training.id} {training.state}: {training.error or 'as it was asked'}")
    else:
        for rule in detail.verdict.rules if detail.verdict else ():
            say(rule.sentence)
        say(f"release {detail.view.id} ({detail.view.model}) is {detail.view.state}")
    if not training.ended:
        return PASSED
    return NOT_FINISHED if detail is None else PASSED if passed else REFUSED


def _advice(chosen: Settings) -> str:
    if bootstrap.trainer_runs(chosen):
        return ""
    return "; nobody works the queue off: start `aggregator serve` or `aggregator trainer`, or use --wait"
