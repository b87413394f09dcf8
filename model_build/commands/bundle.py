"""``model-build bundle``."""

import argparse
from pathlib import Path
from typing import Any

from contract.bundle import read_bundle
from contract.manifest import INT8, QUANTIZATIONS

HELP = "make another bundle of what was trained, without training again"

_ABOUT = """\
Measure, choose thresholds and pack again what `model-build train` has trained, from its work folder; the
recordings must still be where they were.

examples:
  model-build train --recipe keywords --data speech_commands --out keywords.bundle
  model-build bundle --work keywords.bundle.work --variant dynamic-range --out keywords-dynamic.bundle
  edge-agent benchmark --bundle keywords.bundle --bundle keywords-dynamic.bundle

A training that was stopped goes on to its end first.
"""


def add(command: argparse.ArgumentParser) -> None:
    """The command's options."""
    command.description = _ABOUT
    command.formatter_class = argparse.RawDescriptionHelpFormatter
    command.add_argument("--work", required=True, type=Path, help="work folder of the training")
    command.add_argument("--out", required=True, type=Path, help="where to write the bundle")
    command.add_argument(
        "--variant",
        choices=QUANTIZATIONS,
        default=INT8,
        help="int8: whole numbers throughout; dynamic-range: the LSTM in float with int8 weights, faster on"
        " some processors (default: int8)",
    )


def run(options: argparse.Namespace) -> dict[str, Any]:
    """Make the bundle; what ``--json`` prints."""
    from model_build.console import Console, require_folder, without_chatter, write_whole

    require_folder(options.out)
    with without_chatter():
        from model_build.factory import build, remembered
    with Console() as console:
        order = remembered(options.work, options.variant)
        built = build(order, console.progress, console.findings)
    write_whole(options.out, built.content)
    console.score(built.score, order.recipe.labels)
    console.say(f"{options.out}: {len(built.content) / 1000:.0f} kB")
    return {
        "bundle": str(options.out),
        "variant": options.variant,
        "size_bytes": len(built.content),
        "accuracy": built.score.accuracy,
        "metrics": dict(read_bundle(built.content).manifest.metrics),
    }
