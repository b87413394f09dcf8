"""How the commands of nodes and of the broker are written. What they do is imported only when it is done."""

import argparse
import importlib
from collections.abc import Callable
from pathlib import Path
from typing import Final

from aggregator.commands.given import Add, Commands

_NODE: Final = """\
A node is let in by a token, once, and from then on known by a certificate whose key never leaves it.
docs/enrolment.md walks through it.

examples:
  aggregator node add attic --tag roof     say a token, and the command to run on the node
  aggregator node list                     who was invited, who is in, whose certificate ends when
  aggregator node rotate attic             let it take a new key and certificate now
  aggregator node revoke attic             let it out: its connection ends within seconds

exit status:
  0  it is done
  1  it could not be; the sentence says why
  3  (revoke) revoked, but the broker has not been told yet; the sentence says what to do
"""
_BROKER: Final = """\
examples:
  aggregator broker config --into /etc/mosquitto/soundpost --bind 0.0.0.0 --host hub.example
                                           TLS, and a certificate for each client
  aggregator broker refresh                let the broker know what was revoked and renewed
  aggregator broker check                  try at it what nobody should be able to do
  aggregator broker config --into DIR --node attic --node cellar
                                           passwords and no TLS, for a network that you trust
"""
SECTIONS: Final = ("fleet", "broker", "store", "web", "ota", "enrolment")


def add_node(commands: Commands, add: Add) -> None:
    """Make ``aggregator node`` known, with its own commands."""
    group = _group(commands, "node", "let nodes in and out", _NODE)
    invite = _command(group, add, "add", "let a node in, once, by a token", "node", "add")
    _name(invite)
    invite.add_argument("--tag", action="append", default=[], metavar="TAG", help="groups it; repeatable")
    invite.add_argument("--site", default="", metavar="WHERE", help="where it stands, for people")
    invite.add_argument(
        "--hours", type=float, metavar="N", help="the token is good for so long (default: 24)"
    )
    invite.add_argument(
        "--url", default="", metavar="URL", help="where the node reaches the dashboard (default: [ota] url)"
    )
    _command(group, add, "list", "say who is in, and until when", "node", "list_")
    revoke = _command(group, add, "revoke", "let a node out, at once", "node", "revoke")
    _name(revoke)
    revoke.add_argument("--reason", default="", metavar="TEXT", help="why; is recorded")
    rotate = _command(group, add, "rotate", "let a node take a new key now", "node", "rotate")
    rotate.add_argument("name", metavar="NAME", nargs="?", help="the node")
    rotate.add_argument("--all", action="store_true", help="every node that is in")


def add_broker(commands: Commands, add: Add) -> None:
    """Make ``aggregator broker`` known, with its own commands."""
    group = _group(commands, "broker", "set up the MQTT broker, and check it", _BROKER)
    config = _command(group, add, "config", "write a configuration for mosquitto", "broker", "config")
    config.add_argument("--into", type=Path, required=True, metavar="DIR", help="folder to write to")
    config.add_argument("--bind", default="127.0.0.1", help="address to listen on (default: 127.0.0.1)")
    config.add_argument("--port", type=int, help="port to listen on (default: 8883; 1883 with passwords)")
    config.add_argument(
        "--host", action="append", default=[], metavar="HOST",
        help="name or address under which nodes reach it; repeatable, nodes are told the first",
    )  # fmt: skip
    config.add_argument(
        "--inner-port", type=int, default=8884, help="port for the aggregator alone (default: 8884)"
    )
    config.add_argument(
        "--inner-bind", default="127.0.0.1", help="address for the aggregator (default: 127.0.0.1)"
    )
    config.add_argument("--plain", action="store_true", help="passwords and no TLS")
    config.add_argument(
        "--node", action="append", default=[], metavar="NAME",
        help="make a password for it, and no TLS; repeatable",
    )  # fmt: skip
    refresh = _command(
        group, add, "refresh", "let the broker know what was revoked and renewed", "broker", "refresh"
    )
    refresh.add_argument("--watch", action="store_true", help="go on, and look every second")
    check = _command(
        group, add, "check", "try at a running broker what nobody should be able to do", "broker", "check"
    )
    check.add_argument("--host", default="", help="where nodes reach it (default: as `config` was told)")
    check.add_argument("--port", type=int, help="port for nodes (default: likewise)")
    check.epilog = "exit status: 0 if all is well, 3 if something is not, 1 if it could not be looked at."


def _group(commands: Commands, name: str, meaning: str, epilog: str) -> Commands:
    parser = commands.add_parser(
        name, help=meaning, description=f"{meaning[0].upper()}{meaning[1:]}.", epilog=epilog,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    return parser.add_subparsers(title="commands", required=True, metavar="COMMAND")


def _command(
    commands: Commands, add: Add, name: str, meaning: str, module: str, function: str
) -> argparse.ArgumentParser:
    parser = add(commands, name, meaning, _run(module, function), SECTIONS)
    parser.add_argument("--json", action="store_true", help="as JSON")
    return parser


def _name(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", metavar="NAME", help="the node: a-z 0-9 _ -")


def _run(module: str, function: str) -> Callable[[argparse.Namespace], int]:
    def run(arguments: argparse.Namespace) -> int:
        found = importlib.import_module(f"aggregator.commands.{module}")
        status: int = getattr(found, function)(arguments)
        return status

    return run
