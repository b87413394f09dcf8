"""What ``aggregator user`` and ``aggregator token`` run."""

import argparse
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict
from datetime import UTC, datetime

from aggregator import bootstrap
from aggregator.commands.given import say, say_json, settings_of, user
from aggregator.commands.new_password import new_password
from aggregator.services import second_factor
from aggregator.services.tokens import TokenService, TokenView
from aggregator.services.users import UserService, UserView


def user_add(arguments: argparse.Namespace) -> int:
    """Make a user."""
    password = new_password(arguments.name)
    with _users(arguments) as users:
        made = users.add(arguments.name, password, arguments.role, user())
    _tell(arguments, made, f"{made.name} can sign in: {', '.join(made.roles)}")
    return 0


def user_list(arguments: argparse.Namespace) -> int:
    """Every user."""
    with _users(arguments) as users:
        found = users.every()
    if arguments.json:
        say_json([asdict(one) for one in found])
        return 0
    for one in found:
        codes = "with codes" if one.totp else ""
        say(f"{one.name:20} {', '.join(one.roles):30} {one.tokens:3} tokens  {codes}".rstrip())
    return 0


def user_role(arguments: argparse.Namespace) -> int:
    """Give a user other roles."""
    with _users(arguments) as users:
        changed = users.set_roles(arguments.name, arguments.roles, user())
    _tell(arguments, changed, f"{changed.name} is {', '.join(changed.roles)} from now on")
    return 0


def user_remove(arguments: argparse.Namespace) -> int:
    """Remove a user."""
    with _users(arguments) as users:
        gone = users.get(arguments.name)
        users.remove(arguments.name, user())
    _tell(arguments, gone, f"{gone.name} is gone; sessions and tokens have ended")
    return 0


def user_password(arguments: argparse.Namespace) -> int:
    """Choose a user's password anew."""
    with _users(arguments) as users:
        users.set_password(arguments.name, new_password(users.get(arguments.name).name), user())
        changed = users.get(arguments.name)
    _tell(arguments, changed, f"{changed.name} has a new password, and has to sign in again")
    return 0


def user_totp(arguments: argparse.Namespace) -> int:
    """Let a user sign in with codes, after the first one was right; or without."""
    with _users(arguments) as users:
        if arguments.state == "on":
            begun = users.begin_totp(arguments.name)
            if arguments.json:
                say_json({"secret": begun.secret, "uri": begun.uri})
            else:
                say(second_factor.drawn(begun.uri))
                say(f"Let the app read this, or type {begun.secret} into it. Then give its code:")
            sys.stdout.flush()
            users.confirm_totp(arguments.name, sys.stdin.readline(), user())
        else:
            users.end_totp(arguments.name, user())
        changed = users.get(arguments.name)
    _tell(arguments, changed, f"{changed.name} signs in {'with' if changed.totp else 'without'} codes")
    return 0


def token_add(arguments: argparse.Namespace) -> int:
    """Make a token, and print it this once."""
    with _tokens(arguments) as tokens:
        made, secret = tokens.make(
            arguments.user, arguments.name, arguments.scope, user(), days=arguments.days
        )
    if arguments.json:
        say_json(asdict(made) | {"secret": secret})
        return 0
    say(f"token {made.id}, until {_day(made)}; it is shown this once:")
    say(secret)
    return 0


def token_list(arguments: argparse.Namespace) -> int:
    """Every token."""
    with _tokens(arguments) as tokens:
        found = tokens.every(arguments.user)
    if arguments.json:
        say_json([asdict(one) for one in found])
        return 0
    for one in found:
        ends = "has ended" if one.expired else f"until {_day(one)}"
        say(f"{one.id:4} {one.user:20} {one.name:24} {ends:18} {', '.join(one.scopes)}")
    return 0


def token_remove(arguments: argparse.Namespace) -> int:
    """End a token."""
    with _tokens(arguments) as tokens:
        gone = tokens.remove(arguments.token, user())
    if arguments.json:
        say_json(asdict(gone))
    else:
        say(f"token {gone.id} of {gone.user}, {gone.name}, opens nothing any more")
    return 0


def _tell(arguments: argparse.Namespace, told: UserView, sentence: str) -> None:
    if arguments.json:
        say_json(asdict(told))
    else:
        say(sentence)


def _day(token: TokenView) -> str:
    return datetime.fromtimestamp(token.expires_s, UTC).date().isoformat()


@contextmanager
def _users(arguments: argparse.Namespace) -> Iterator[UserService]:
    with closing(bootstrap.database(settings_of(arguments), migrate=True)) as opened:
        yield bootstrap.users(opened)


@contextmanager
def _tokens(arguments: argparse.Namespace) -> Iterator[TokenService]:
    with closing(bootstrap.database(settings_of(arguments), migrate=True)) as opened:
        yield bootstrap.tokens(opened)
