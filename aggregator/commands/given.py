"""What the reader of a command line gave, and what is given back."""

import argparse
import getpass
import json
import os
import sys
from collections.abc import Collection
from datetime import UTC, datetime
from typing import Any, Protocol

from aggregator import settings
from aggregator.settings import Settings

Commands = Any
"""Where argparse keeps the parsers of commands."""


class Add(Protocol):
    """Adds a command with everything that each command has."""

    def __call__(
        self, commands: Commands, name: str, meaning: str, run: Any, sections: Collection[str]
    ) -> argparse.ArgumentParser:
        """The parser of a new command ``name`` with the flags of those sections of the settings."""


def settings_of(arguments: argparse.Namespace) -> Settings:
    """The settings of a parsed command line."""
    flags = {item.path: getattr(arguments, item.path, None) for item in settings.every_key()}
    return settings.load(arguments.config, os.environ, flags)


def user() -> str:
    """Who gives the command."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "command line"  # a container's user may have no name


def say(line: object = "") -> None:
    """Print a line."""
    sys.stdout.write(f"{line}\n")


def say_json(content: object) -> None:
    """Print for programs."""
    say(json.dumps(content, ensure_ascii=False, indent=1))


def moment_s(text: str) -> float:
    """Seconds since 1970 of a time as people write it; ``ValueError`` says what it should be.

    >>> moment_s("1970-01-01T00:01"), moment_s("2.5")
    (60.0, 2.5)
    """
    try:
        if text.replace(".", "", 1).isdecimal():
            return float(text)
        moment = datetime.fromisoformat(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError) as error:
        raise ValueError(f"{text!r} is neither a time such as 2026-05-01T18:30 nor seconds") from error
