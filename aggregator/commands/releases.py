"""``aggregator releases``: what came out of trainings, and what people decide on it."""

import argparse
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict
from typing import Any

from aggregator import bootstrap
from aggregator.commands.given import say, say_json, settings_of, user
from aggregator.domain.releases import ACCEPT, Verdict
from aggregator.services.release_views import DecisionView, ReleaseDetail, ReleaseView
from aggregator.services.releases import ReleaseService

PASSED, REFUSED = 0, 3


def list_(arguments: argparse.Namespace) -> int:
    """Print every release."""
    with _registry(arguments) as releases:
        every = releases.every()
    if arguments.json:
        say_json({"releases": [asdict(one) for one in every]})
    elif not every:
        say("no release yet; `aggregator retrain` makes one")
    else:
        say(f"{'':2}{'no.':>4}  {'model':24} {'state':9} {'gate':8} {'parent':>6}  registered")
        for one in every:
            say(_row(one))
    return PASSED


def show_(arguments: argparse.Namespace) -> int:
    """Print one release in full."""
    with _registry(arguments) as releases:
        detail = releases.detail(arguments.release)
    if arguments.json:
        say_json(detail_as_plain(detail))
    else:
        _tell(detail)
    return PASSED if detail.view.passed else REFUSED


def compare_(arguments: argparse.Namespace) -> int:
    """Print what the gate says of one release against another."""
    with _registry(arguments) as releases:
        comparison = releases.compare(arguments.release, arguments.other)
    if arguments.json:
        say_json(
            {
                "candidate": asdict(comparison.candidate), "incumbent": asdict(comparison.incumbent),
                "same_snapshot": comparison.same_snapshot, "verdict": comparison.verdict.to_plain(),
            }
        )  # fmt: skip
    else:
        say(f"{comparison.candidate.model} against {comparison.incumbent.model}:")
        if not comparison.same_snapshot:
            say("(judged on different snapshots; only what those share is compared)")
        _tell_verdict(comparison.verdict)
    return PASSED if comparison.verdict.passed else REFUSED


def decide(arguments: argparse.Namespace) -> int:
    """Accept or refuse a release, as ``arguments.decision`` says."""
    with _registry(arguments) as releases:
        made = releases.decide(
            arguments.release, arguments.decision, who=arguments.by or user(), reason=arguments.reason
        )
        view = releases.detail(arguments.release).view
    if arguments.json:
        say_json({"release": asdict(view), "decision": asdict(made)})
    else:
        in_service = ", and is the model in service now" if view.in_service else ""
        say(f"release {view.id} ({view.model}) is {view.state}{in_service}")
    return PASSED


def detail_as_plain(detail: ReleaseDetail) -> dict[str, Any]:
    """A release for programs, without the answers to each item."""
    return {
        "release": asdict(detail.view),
        "parent": asdict(detail.parent) if detail.parent else None,
        "children": [one.id for one in detail.children],
        "verdict": detail.verdict.to_plain() if detail.verdict else None,
        "decisions": [asdict(one) for one in detail.decisions],
    }


def _tell(detail: ReleaseDetail) -> None:
    view = detail.view
    say(f"release {view.id}: {view.model}, {view.state}{', in service' if view.in_service else ''}")
    for word, value in (
        ("digest", view.digest),
        ("recipe", view.recipe),
        ("labels", ", ".join(view.labels)),
        ("parent", f"{detail.parent.id} ({detail.parent.model})" if detail.parent else "none"),
        ("snapshot", view.snapshot_id or "none"),
        ("training", view.training_id or "none"),
    ):
        say(f"  {word:10} {value}")
    if detail.verdict is not None:
        _tell_verdict(detail.verdict)
    for decision in detail.decisions:
        say(_sentence(decision))


def _tell_verdict(verdict: Verdict) -> None:
    for rule in verdict.rules:
        say(f"  {rule.sentence}")
    refused = f"refuses it by {len(verdict.reasons)} of {len(verdict.rules)} rules"
    say(f"the gate {'passes it' if verdict.passed else refused}")


def _sentence(decision: DecisionView) -> str:
    verb = f"{decision.decision}ed" if decision.decision == ACCEPT else "refused"
    over = " over the refusal" if decision.over_refusal else ""
    reason = decision.reason or "no reason given"
    return f"{_moment(decision.decided_s)} {verb}{over} by {decision.who}: {reason}"


def _row(one: ReleaseView) -> str:
    mark = "→" if one.in_service else ""
    gate = "passed" if one.passed else "refused"
    moment = _moment(one.registered_s)
    return f"{mark:2}{one.id:>4}  {one.model:24} {one.state:9} {gate:8} {one.parent_id or '':>6}  {moment}"


def _moment(seconds: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(seconds))


@contextmanager
def _registry(arguments: argparse.Namespace) -> Iterator[ReleaseService]:
    chosen = settings_of(arguments)
    with closing(bootstrap.database(chosen, migrate=True)) as opened:
        yield bootstrap.releases(chosen, opened)
