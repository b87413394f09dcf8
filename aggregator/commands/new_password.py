"""A new password, typed twice at a prompt, or once on standard input: never on the command line."""

import getpass
import sys

from aggregator.errors import PasswordError


def new_password(name: str) -> str:
    """The password that somebody chooses for the user ``name``; ``PasswordError`` if two differ."""
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\r\n")
    chosen = getpass.getpass(f"New password of {name}: ")
    if getpass.getpass("Once more: ") != chosen:
        raise PasswordError("the two passwords differ")
    return chosen
