"""How the commands of rollouts are written. What they do is imported only when it is done."""

import argparse
import importlib
import sys
from collections.abc import Callable
from typing import Final

from aggregator.commands.given import Add, Commands
from aggregator.domain.rollouts.words import HELP, USUAL
from aggregator.errors import RolloutError

REFUSED: Final = 3
SECTIONS: Final = ("store", "ota", "rollouts")
_ROLLOUT: Final = """\
A rollout gives a published release to nodes, wave by wave. The first waves are small: if a node there fails,
the rollout pauses before another wave begins. `aggregator serve` moves rollouts on; docs/rollouts.md explains
every rule.

examples:
  aggregator ota rollout create sounds@0.4.0                   one node, a tenth, all
  aggregator ota rollout create sounds@0.4.0 --tag outdoor --preview
                                                               say which node would be in which wave
  aggregator ota rollout create sounds@0.4.0 --wave "ears=5%, shadow=2h, agree=98%" \\
      --wave "canary=tag:canary, least=30m" --wave "all=100%, hours=22:00-05:00" --watch
  aggregator ota rollout show 3 --watch                        until it has finished, or somebody is needed
  aggregator ota rollout show 3 --state failed                 who failed, and why
  aggregator ota rollout retry 3                               let those try again, and nobody else
  aggregator ota rollback 3 --reason "deaf in the rain"        everybody back to what ran before

exit status:
  0  it is done; with show and --watch: it runs, or has finished
  1  something else is wrong; the sentence says what
  3  it is refused, or the rollout is paused, halted or cancelled
"""
_AUDIT: Final = """\
Each entry carries a hash over itself and the hash of the entry before it: nothing can be changed or taken out
of the middle unseen. Keep the head that --verify prints elsewhere, and give it with --head later: then nobody
can cut off the end unseen, either.

exit status:
  0  printed; with --verify: the chain holds
  3  with --verify: it does not
"""


def register(group: Commands, add: Add) -> None:
    """Add the commands to ``aggregator ota``."""
    inner = group.add_parser(
        "rollout",
        help="give a release to nodes, wave by wave",
        description="Give a release to nodes, wave by wave.",
        epilog=_ROLLOUT,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    ).add_subparsers(title="commands", required=True, metavar="COMMAND")
    _add_create(inner, add)
    _command(inner, add, "list", "every rollout, newest first", "ota_rollouts", "list_")
    show = _command(inner, add, "show", "one rollout with its waves and nodes", "ota_rollouts", "show")
    _number(show)
    show.add_argument("--state", default="", metavar="STATE", help="only nodes in this state, such as failed")
    show.add_argument("--node", default="", metavar="NAME", help="only nodes whose name begins so")
    show.add_argument("--watch", action="store_true", help="until it has ended, finished, or is paused")
    for name, meaning in (
        ("pause", "assign nothing more for now; nodes under way finish"),
        ("resume", "go on; what made a rule pause it is forgiven"),
        ("halt", "end a rollout, and take back what is not confirmed"),
        ("cancel", "end a rollout, and leave nodes under way to themselves"),
        ("retry", "let those that failed try again, and nobody else"),
    ):
        order = _command(inner, add, name, meaning, "ota_rollouts", "order")
        order.set_defaults(order=name)
        _number(order)
        _why(order)
    _add_rollback(group, add)
    _add_pins(group, add)
    _add_audit(group, add)


def _add_create(inner: Commands, add: Add) -> None:
    create = _command(inner, add, "create", "begin a rollout", "ota_rollouts", "create")
    create.add_argument(
        "release", metavar="RELEASE", help="model@version, name in `ota list`, or begin of the digest"
    )
    create.add_argument("--name", default="", help="what people call it")
    create.add_argument(
        "--wave", action="append", default=[], metavar="WAVE",
        help=f"{HELP.replace('%', '%%')}; repeatable (default: {'; '.join(USUAL).replace('%', '%%')})",
    )  # fmt: skip
    for flag, what in (("node", "this node"), ("tag", "nodes with this tag"), ("site", "nodes at this site")):
        create.add_argument(
            f"--{flag}", action="append", default=[], metavar="NAME", help=f"{what}; repeatable"
        )
    create.add_argument("--exclude", action="append", default=[], metavar="NAME", help="but not this node")
    create.add_argument("--percent", type=float, default=100.0, help="only so many percent of them")
    for flag, meaning in (
        ("--any-model", "also nodes that run a model of another name"),
        ("--new-front-end", "also nodes with another front end than the release brings"),
        ("--whole-sites", "the nodes of a site go together: all or none"),
        ("--no-new-nodes", "nodes that come later do not get it"),
        ("--wait-for-others", "wait for rollouts that hold some of the nodes, instead of being refused"),
        ("--paused", "begin only when somebody resumes it"),
        ("--preview", "say who would be in which wave, and do nothing"),
        ("--watch", "show how far it is until it has finished, or is paused"),
    ):
        create.add_argument(flag, action="store_true", help=meaning)
    create.add_argument(
        "--time-zone", default="", metavar="ZONE",
        help="of the hours of waves, such as Europe/Berlin (default: the aggregator's own)",
    )  # fmt: skip
    create.add_argument("--probation", default="60s", metavar="TIME", help="on probation (default: 60s)")
    create.add_argument(
        "--by", default="", metavar="NAME", help="who does it; is recorded (default: the user)"
    )


def _add_rollback(group: Commands, add: Add) -> None:
    meaning = "end a rollout, and send its nodes back"
    rollback = _command(group, add, "rollback", meaning, "ota_rollouts", "rollback")
    _number(rollback)
    rollback.add_argument(
        "--release", default="", metavar="RELEASE", help="to this one (default: to what each ran before)"
    )
    _why(rollback)


def _add_pins(group: Commands, add: Add) -> None:
    pin = _command(group, add, "pin", "keep a node at what it runs; without one: list", "ota_rollouts", "pin")
    pin.add_argument("node", nargs="?", default="", metavar="NODE", help="node to pin")
    pin.add_argument("--release", default="", metavar="RELEASE", help="at this one instead of what it runs")
    _why(pin)
    unpin = _command(group, add, "unpin", "let rollouts have a node again", "ota_rollouts", "unpin")
    unpin.add_argument("node", metavar="NODE", help="node to let go")
    _why(unpin)


def _add_audit(group: Commands, add: Add) -> None:
    audit = _command(group, add, "audit", "say who did what, newest first", "ota_audit", "run")
    audit.epilog = _AUDIT
    audit.add_argument("--verify", action="store_true", help="check that nothing was changed or taken out")
    audit.add_argument("--head", default="", metavar="HASH", help="a head that was kept; must be in the log")
    audit.add_argument("--limit", type=int, default=50, metavar="N", help="so many entries (default: 50)")


def _command(
    commands: Commands, add: Add, name: str, meaning: str, module: str, function: str
) -> argparse.ArgumentParser:
    parser = add(commands, name, meaning, _run(module, function), SECTIONS)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--json", action="store_true", help="as JSON")
    return parser


def _number(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("rollout", type=int, metavar="ROLLOUT", help="number of the rollout")


def _why(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--reason", default="", help="why; is recorded")
    parser.add_argument(
        "--by", default="", metavar="NAME", help="who does it; is recorded (default: the user)"
    )


def _run(module: str, function: str) -> Callable[[argparse.Namespace], int]:
    def run(arguments: argparse.Namespace) -> int:
        try:
            found = getattr(importlib.import_module(f"aggregator.commands.{module}"), function)
            status: int = found(arguments)
        except RolloutError as error:
            print(f"aggregator: {error}", file=sys.stderr)  # noqa: T201
            return REFUSED
        return status

    return run
