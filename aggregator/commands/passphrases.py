"""Passphrases of keys: from a file, a file descriptor, or a terminal; never from the command line itself."""

import argparse
import getpass
import os
import sys
from pathlib import Path

from aggregator.errors import TrustError
from aggregator.services.online_key import read_passphrase
from aggregator.trust.keys import check_passphrase


class Passphrases:
    """Gives the passphrase of a key. What was typed for one may serve for the next."""

    def __init__(self, arguments: argparse.Namespace) -> None:
        self._given = _given(arguments.passphrase_file, arguments.passphrase_fd)
        self._before: str | None = None

    def open(self, name: str) -> str:
        """That of a key that exists."""
        return self._given if self._given is not None else self._ask(f"Passphrase of the key {name}")

    def choose(self, name: str) -> str:
        """One for a new key, typed twice. Raises ``TrustError`` if it is too short."""
        chosen = self._given
        if chosen is None:
            before = self._before
            chosen = self._ask(f"New passphrase for the key {name}")
            if chosen != before and getpass.getpass("Once more: ") != chosen:
                raise TrustError("the two passphrases differ")
        check_passphrase(chosen)
        return chosen

    def _ask(self, what: str) -> str:
        if not sys.stdin.isatty():
            raise TrustError("nobody to ask for the passphrase: give --passphrase-file or --passphrase-fd")
        hint = " (empty: the one before)" if self._before is not None else ""
        typed = getpass.getpass(f"{what}{hint}: ")
        self._before = typed or self._before or ""
        return self._before


def _given(file: Path | None, descriptor: int | None) -> str | None:
    if file is not None:
        return read_passphrase(file)
    if descriptor is None:
        return None
    try:
        with os.fdopen(descriptor, encoding="utf-8") as opened:
            return opened.readline().rstrip("\r\n")
    except (OSError, ValueError) as error:
        raise TrustError(f"the passphrase cannot be read from descriptor {descriptor}: {error}") from error
