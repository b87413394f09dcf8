"""How the commands of updates are written. What they do is imported only when it is done."""

import argparse
import importlib
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

from aggregator.commands import ota_rollout_parsers
from aggregator.commands.given import Add, Commands
from aggregator.errors import HandInRefusedError, ReleaseError

REFUSED: Final = 3
SECTIONS: Final = ("store", "ota")
_OTA: Final = """\
Nodes run what is signed, and nothing else. Two kinds of keys sign, and neither is ever at the aggregator:
three root keys say which keys count (two of them must sign), the targets key says which bundles nodes may
run. The aggregator holds the online key, which only says what is current. docs/ota.md explains all of it.

examples:
  aggregator ota keys init --keys KEYS                 make every key, on your machine
  aggregator ota publish --release 4 --keys KEYS       sign what a training made and somebody accepted
  aggregator ota publish BUNDLE --keys KEYS --url https://hub.example
                                                       sign here, upload there
  aggregator ota list                                  what nodes may run
  aggregator ota withdraw keywords@0.4.0 --keys KEYS   let no further node take it

Where what is signed goes to:
  (nothing)      the aggregator on this machine, whose settings --config names
  --url URL      an aggregator over HTTP; the token for uploads lies with the keys
  --out FILE     a file to carry; `aggregator ota hand-in FILE` takes it there

exit status:
  0  it is done
  1  it could not be; the sentence says why
  3  the aggregator does not take it, the release was not accepted, or (keys show) something must be renewed
"""
_KEYS: Final = """\
examples:
  aggregator ota keys init --keys KEYS            everything on one machine, to begin with
  aggregator ota keys init --keys KEYS --out CARRY
                                                  keys here; carry the folder CARRY to the aggregator
  aggregator ota keys show --keys KEYS            which keys count, which are here, what expires when
  aggregator ota keys rotate targets --keys KEYS --keys /media/stick
                                                  the targets key was stolen or lost; two root keys are needed
  aggregator ota keys rotate online --keys KEYS   the aggregator was broken into
  aggregator ota keys rotate root-2 --keys KEYS   a root key was lost or stolen; the other two are needed
"""
_PUBLISH: Final = """\
examples:
  aggregator ota publish models/keywords.bundle --keys KEYS
  aggregator ota publish --release 4 --keys KEYS --url https://hub.example
  aggregator ota publish BUNDLE --node attic --node hall --keys KEYS     no other node may run it
"""
_SIGN: Final = """\
A machine that touches no network signs what was carried to it:
  aggregator ota export --release 4 --out ask.json         at the aggregator
  aggregator ota sign ask.json --keys KEYS --yes           on that machine; writes ask.signed.json
  aggregator ota hand-in ask.signed.json                   at the aggregator
Holders of root keys who never meet sign one after the other: `keys rotate … --out FILE`, then `sign FILE`.
"""


def add_ota(commands: Commands, add: Add) -> None:
    """Make ``aggregator ota`` known, with its own commands."""
    group = _group(commands, "ota", "sign, publish and roll out models over the air", _OTA)
    _add_keys(group, add)
    _add_publishing(group, add)
    _add_carrying(group, add)
    ota_rollout_parsers.register(group, add)


def _add_keys(group: Commands, add: Add) -> None:
    keys = _group(group, "keys", "make and change the keys that sign", _KEYS)
    init = _command(keys, add, "init", "make every key, once", "ota_keys", "init")
    rotate = _command(keys, add, "rotate", "put new keys in the places of some", "ota_keys", "rotate")
    names = ("root-1", "root-2", "root-3", "targets", "online")
    rotate.add_argument("names", nargs="+", choices=names, metavar="KEY", help=f"which: {', '.join(names)}")
    token = _command(keys, add, "token", "make another token for uploads", "ota_keys", "token")
    show = _command(keys, add, "show", "say which keys count, and until when", "ota_keys", "show")
    for parser in (init, rotate, token):
        _signs(parser)
    _keys(show, needed=False)
    _way(show)


def _add_publishing(group: Commands, add: Add) -> None:
    publish = _command(group, add, "publish", "let nodes run a bundle", "ota_publish", "publish", _PUBLISH)
    _bundle(publish.add_mutually_exclusive_group(required=True))
    _nodes(publish)
    withdraw = _command(
        group, add, "withdraw", "let no further node take a bundle", "ota_publish", "withdraw"
    )
    withdraw.add_argument(
        "targets", nargs="+", metavar="MODEL", help="model@version, name in the list, or begin of the digest"
    )
    renew = _command(group, add, "renew", "sign again what expires", "ota_keys", "renew")
    renew.add_argument("--root", action="store_true", help="which keys count, instead of what is published")
    for parser in (publish, withdraw, renew):
        _signs(parser)
    _command(group, add, "list", "say what nodes may run", "ota_publish", "list_")


def _add_carrying(group: Commands, add: Add) -> None:
    export = _command(group, add, "export", "write down what is to be signed", "ota_carry", "export", _SIGN)
    _bundle(export.add_mutually_exclusive_group())
    _nodes(export)
    export.add_argument(
        "--remove", action="append", default=[], metavar="MODEL", help="bundle to withdraw; repeatable"
    )
    export.add_argument("--out", type=Path, required=True, metavar="FILE", help="where to")
    export.set_defaults(url="")
    sign = _command(group, add, "sign", "sign what was exported", "ota_carry", "sign", _SIGN)
    sign.add_argument("file", type=Path, metavar="FILE", help="what `aggregator ota export` wrote")
    sign.add_argument(
        "--yes", action="store_true", help="do it; without it, only what would be signed is said"
    )
    sign.add_argument("--out", type=Path, metavar="FILE", help="where to (default: beside it, .signed.json)")
    sign.set_defaults(url="")
    _keys(sign, needed=True)
    _passphrase(sign)
    hand_in = _command(
        group, add, "hand-in", "give the aggregator what was signed", "ota_carry", "hand_in", _SIGN
    )
    hand_in.add_argument("file", type=Path, metavar="FILE", help="file, or folder that `keys` has written")
    hand_in.add_argument(
        "--url", default="", metavar="URL", help="the aggregator (default: that of the settings)"
    )
    _keys(hand_in, needed=False)


def _group(commands: Commands, name: str, meaning: str, epilog: str) -> Commands:
    parser = commands.add_parser(
        name,
        help=meaning,
        description=f"{meaning[0].upper()}{meaning[1:]}.",
        epilog=epilog,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    return parser.add_subparsers(title="commands", required=True, metavar="COMMAND")


def _command(
    commands: Commands, add: Add, name: str, meaning: str, module: str, function: str, epilog: str = ""
) -> argparse.ArgumentParser:
    parser = add(commands, name, meaning, _run(module, function), SECTIONS)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = epilog or None
    parser.add_argument("--json", action="store_true", help="as JSON")
    return parser


def _signs(parser: argparse.ArgumentParser) -> None:
    _keys(parser, needed=True)
    _passphrase(parser)
    _way(parser)


def _keys(parser: argparse.ArgumentParser, *, needed: bool) -> None:
    parser.add_argument(
        "--keys", type=Path, action="append", required=needed, default=None, metavar="FOLDER",
        help="folder of keys; repeatable: further ones may hold some of the keys",
    )  # fmt: skip


def _passphrase(parser: argparse.ArgumentParser) -> None:
    group = parser.add_mutually_exclusive_group()
    group.add_argument(
        "--passphrase-file", type=Path, metavar="FILE", help="passphrase of the keys (default: ask for it)"
    )
    group.add_argument("--passphrase-fd", type=int, metavar="N", help="read it from this file descriptor")


def _way(parser: argparse.ArgumentParser) -> None:
    group = parser.add_mutually_exclusive_group()
    group.add_argument("--url", default="", metavar="URL", help="aggregator to hand it to, over HTTP")
    group.add_argument("--out", type=Path, metavar="FILE", help="write a file to carry to the aggregator")


def _bundle(group: "argparse._MutuallyExclusiveGroup") -> None:
    # An argument of an exclusive group must be optional; the group says that one of them is needed.
    group.add_argument("bundle", type=Path, nargs="?", metavar="BUNDLE", help="file of a bundle")
    group.add_argument(
        "--release", type=int, metavar="N", help="an accepted release of `aggregator releases`"
    )


def _nodes(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--node", action="append", default=[], metavar="NAME", help="only this node may run it; repeatable"
    )


def _run(module: str, function: str) -> Callable[[argparse.Namespace], int]:
    def run(arguments: argparse.Namespace) -> int:
        try:
            status: int = getattr(importlib.import_module(f"aggregator.commands.{module}"), function)(
                arguments
            )
        except (HandInRefusedError, ReleaseError) as error:
            print(f"aggregator: {error}", file=sys.stderr)  # noqa: T201
            return REFUSED
        return status

    return run
