"""How ``aggregator user`` and ``aggregator token`` are written. What they do is imported when it is done."""

import argparse
from collections.abc import Callable
from typing import Final

from aggregator.commands.given import Add, Commands
from aggregator.domain.roles import Permission, Role

_OF_USERS: Final = """\
Each person has a name, a password, and one role or several; docs/users.md says what each may do.
Passwords come from a prompt, or from one line of standard input.

examples:
  aggregator user add Ada --role reviewer --role listener
  aggregator user list --json
  aggregator user role Ada operator listener       these and no others, at once
  aggregator user password Ada                     ends every session of hers
  aggregator user totp Ada on                      a code of an app besides the password
  aggregator user totp Ada off                     the telephone is lost
  aggregator user remove Ada                       sessions and tokens end at once
"""
_OF_PROGRAMS: Final = """\
With a token a program uses the JSON API in a user's name: what the token names and the user may, for a time.
The token is printed once; only its hash is kept.

examples:
  aggregator token add "night export" --user Ada --scope see --scope export --days 30
  aggregator token list --user Ada
  aggregator token remove 4

  curl -H "Authorization: Bearer soundpost_..." http://127.0.0.1:8080/api/v1/nodes
"""


def add_user(commands: Commands, add: Add) -> None:
    """Make ``aggregator user`` known."""
    inner = _group(commands, "user", "say who may sign in at the dashboard, and what each may do", _OF_USERS)
    made = _add(inner, add, "add", "make a user", "user_add", "name")
    made.add_argument(
        "--role", action="append", choices=tuple(Role), required=True, help="what for; repeatable"
    )
    _add(inner, add, "list", "every user", "user_list")
    _add(inner, add, "role", "give a user these roles and no others", "user_role", "name").add_argument(
        "roles", nargs="+", choices=tuple(Role), metavar="ROLE", help=f"one of {', '.join(Role)}"
    )
    _add(inner, add, "remove", "remove a user", "user_remove", "name")
    _add(inner, add, "password", "choose a user's password anew", "user_password", "name")
    _add(inner, add, "totp", "let a user sign in with codes of an app, or without", "user_totp", "name")\
        .add_argument("state", choices=("on", "off"), help="on asks for the first code")  # fmt: skip


def add_token(commands: Commands, add: Add) -> None:
    """Make ``aggregator token`` known."""
    inner = _group(commands, "token", "let programs use the JSON API", _OF_PROGRAMS)
    made = _add(inner, add, "add", "make a token and print it, this once", "token_add", "name")
    made.add_argument("--user", required=True, metavar="NAME", help="in whose name")
    made.add_argument(
        "--scope", action="append", choices=tuple(Permission), required=True, help="what it may; repeatable"
    )
    made.add_argument("--days", type=int, default=90, help="it ends after so many (default: 90)")
    _add(inner, add, "list", "every token, newest first", "token_list").add_argument(
        "--user", metavar="NAME", help="only those of this one"
    )
    gone = _add(inner, add, "remove", "end a token at once", "token_remove")
    gone.add_argument("token", type=int, metavar="TOKEN", help="its number")


def _group(commands: Commands, name: str, meaning: str, examples: str) -> Commands:
    group = commands.add_parser(
        name, help=meaning, description=f"{meaning[0].upper()}{meaning[1:]}.", epilog=examples,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    return group.add_subparsers(title="commands", required=True, metavar="COMMAND")


def _add(
    inner: Commands, add: Add, name: str, meaning: str, function: str, *words: str
) -> argparse.ArgumentParser:
    parser = add(inner, name, meaning, _run(function), ("store",))
    for word in words:
        parser.add_argument(word, metavar=word.upper(), help="its name")
    parser.add_argument("--json", action="store_true", help="as JSON")
    return parser


def _run(function: str) -> Callable[[argparse.Namespace], int]:
    def run(arguments: argparse.Namespace) -> int:
        from aggregator.commands import account_commands

        status: int = getattr(account_commands, function)(arguments)
        return status

    return run
