"""What ``aggregator forget`` runs."""

import argparse
from contextlib import closing
from dataclasses import asdict
from typing import Final

from aggregator import bootstrap
from aggregator.commands.given import moment_s, say, say_json, settings_of, user
from aggregator.domain.deletions import Counts
from aggregator.errors import DeletionError
from aggregator.services.deletion import DeletionPlan, DeletionService, DeletionView

DONE: Final = 0
ONLY_TOLD: Final = 3
_WORDS: Final = (
    ("windows", "windows of features"),
    ("answers", "answers to these windows"),
    ("detections", "detections"),
    ("level_s", "seconds of the history of sound levels"),
    ("quarantined", "messages that could not be read"),
    ("reports", "reports of updates, and of what a shadow heard"),
)


def run(arguments: argparse.Namespace) -> int:
    """Delete, or say what would go."""
    until_s = _until_s(arguments)
    chosen = settings_of(arguments)
    with closing(bootstrap.database(chosen, migrate=True)) as opened:
        service = bootstrap.deletion(chosen, opened)
        if not arguments.yes:
            return _tell_plan(_plan(service, arguments, until_s), as_json=arguments.json)
        done = _delete(service, arguments, until_s)
    if arguments.json:
        say_json(asdict(done))
    else:
        say("deleted:")
        _tell_counts(done.counts)
    return DONE


def _until_s(arguments: argparse.Namespace) -> float | None:
    if not arguments.until:
        return None
    if arguments.node is None:
        raise DeletionError("--until goes with --node: a window has one time")
    try:
        return moment_s(arguments.until)
    except ValueError as error:
        raise DeletionError(f"--until: {error}") from error


def _plan(service: DeletionService, arguments: argparse.Namespace, until_s: float | None) -> DeletionPlan:
    if arguments.node is None:
        return service.plan_window(arguments.window)
    return service.plan_node(arguments.node, until_s)


def _delete(service: DeletionService, arguments: argparse.Namespace, until_s: float | None) -> DeletionView:
    who = arguments.by or user()
    if arguments.node is None:
        return service.delete_window(arguments.window, who)
    return service.delete_node_data(arguments.node, who, until_s)


def _tell_plan(plan: DeletionPlan, *, as_json: bool) -> int:
    if as_json:
        say_json(asdict(plan))
        return ONLY_TOLD
    say("would delete:")
    _tell_counts(plan.counts)
    if plan.snapshots:
        say(f"  and what snapshots {_listed(plan.snapshots)} hold of it")
    if plan.releases:
        say(f"releases {_listed(plan.releases)} learned from it; they stay, with a note")
    say("nothing was deleted: add --yes")
    return ONLY_TOLD


def _tell_counts(counts: Counts) -> None:
    if counts.nothing:
        say("  nothing: there is nothing of it")
    for name, words in _WORDS:
        if count := getattr(counts, name):
            say(f"{count:>8} {words}")


def _listed(numbers: tuple[int, ...]) -> str:
    return ", ".join(str(number) for number in numbers)
