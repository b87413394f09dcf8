"""Writes docs/commands.md from what the programs print as their help (part of ``make docs``)."""

import argparse
import importlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path

PROGRAMS = {
    "edge-agent": "edge_agent.__main__",
    "aggregator": "aggregator.__main__",
    "model-build": "model_build.__main__",
}
HEAD = """\
# Commands

Printed from the programs themselves (`make docs`); a test fails when a command or an option is missing here.
"""


def parsers(program: str) -> Iterator[argparse.ArgumentParser]:
    """The program's parser and those of all its commands."""
    yield from _with_commands(importlib.import_module(PROGRAMS[program])._parser())


def page() -> str:
    """The whole page."""
    parts = [HEAD]
    for program in PROGRAMS:
        for parser in parsers(program):
            parts.append(f"## `{parser.prog}`\n\n```text\n{parser.format_help().strip()}\n```\n")
    return "\n".join(parts)


def _with_commands(parser: argparse.ArgumentParser) -> Iterator[argparse.ArgumentParser]:
    yield parser
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for command in action.choices.values():
                yield from _with_commands(command)


if __name__ == "__main__":
    os.environ["COLUMNS"] = "110"
    (Path(__file__).parent / "commands.md").write_text(page())
    sys.exit(0)
