"""``model-build check``."""

import argparse
import json
from pathlib import Path
from typing import Any

from model_build.commands.numbers import positive
from model_build.errors import DatasetError

HELP = "say what is wrong with recordings before anything is trained on them"

_ABOUT = """\
Read every recording that a recipe would learn from or be measured on, and say what is wrong: too few,
too short, silent, clipped, broken, twice there, or leaking from what is learnt into what is measured.

examples:
  model-build check --recipe wake/recipe.toml --data wake/clips
  model-build check --recipe keywords --data speech_commands --json

Errors stop a training before it starts (and make this command fail); warnings do not. `model-build train`
makes the same checks itself.
"""


def add(command: argparse.ArgumentParser) -> None:
    """The command's options."""
    command.description = _ABOUT
    command.formatter_class = argparse.RawDescriptionHelpFormatter
    command.add_argument("--recipe", required=True, help="keywords, sounds, or the path of a TOML file")
    command.add_argument("--data", required=True, type=Path, help="folder of the recordings")
    command.add_argument("--limit", type=positive, help="at most so many clips of each word and split")


def run(options: argparse.Namespace) -> dict[str, Any]:
    """Check; what ``--json`` prints."""
    from model_build.checks.table import findings_table
    from model_build.checks.verdict import verdict
    from model_build.console import Console
    from model_build.recipe import load_recipe

    recipe = load_recipe(options.recipe)
    with Console() as console:
        result = verdict(recipe, options.data, console.progress, options.limit)
        if result.findings:
            console.show(findings_table(result.findings))
        console.say(result.sentence)
    plain = {
        "trainable": not result.errors,
        "clips": {label: dict(splits) for label, splits in result.clips.items()},
        "findings": [finding.to_plain() for finding in result.findings],
    }
    if result.errors:
        if options.json:
            print(json.dumps(plain))
        raise DatasetError(f"{len(result.errors)} of what was found must be put right before training")
    return plain
