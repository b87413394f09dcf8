"""What is not documented fails the build."""

import argparse
import importlib.util
import re
from types import ModuleType

import pytest

from aggregator import settings as aggregator_settings
from edge_agent.settings import every_setting
from tests.conftest import ROOT

README = (ROOT / "README.md").read_text()


def refresh_commands() -> ModuleType:
    spec = importlib.util.spec_from_file_location("refresh_commands", ROOT / "docs" / "refresh_commands.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


COMMANDS = refresh_commands()


@pytest.mark.parametrize("program", COMMANDS.PROGRAMS)
def test_each_command_and_option_is_documented(program: str) -> None:
    page = (ROOT / "docs" / "commands.md").read_text()
    for parser in COMMANDS.parsers(program):
        assert f"## `{parser.prog}`" in page, f"run `make docs`: {parser.prog}"
        section = page.split(f"## `{parser.prog}`\n", 1)[1].split("\n## ", 1)[0]
        for action in parser._actions:
            for option in action.option_strings:
                assert option in section, f"run `make docs`: {parser.prog} {option}"


@pytest.mark.parametrize("program", COMMANDS.PROGRAMS)
def test_each_option_says_what_it_does(program: str) -> None:
    for parser in COMMANDS.parsers(program):
        for action in parser._actions:
            described = action.help or isinstance(action, argparse._SubParsersAction)
            assert described, f"{parser.prog} {action.dest} has no help"


def test_each_setting_of_the_agent_stands_in_the_example() -> None:
    example = (ROOT / "deploy" / "edge" / "agent.example.toml").read_text()
    for section, key, *_ in every_setting():
        assert f"[{section}]" in example
        assert re.search(rf"\b{key}\b", example), f"{section}.{key}"


def test_each_setting_of_the_aggregator_stands_in_the_example() -> None:
    example = (ROOT / "deploy" / "aggregator" / "aggregator.toml").read_text()
    for item in aggregator_settings.every_key():
        assert f"[{item.section}]" in example
        assert re.search(rf"\b{item.name}\b", example), item.path


def test_each_link_of_the_readme_leads_somewhere() -> None:
    for target in re.findall(r"\]\(([^)#]+)", README):
        if not target.startswith("http"):
            assert (ROOT / target).exists(), target
