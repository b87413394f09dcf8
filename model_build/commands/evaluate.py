"""``model-build evaluate``."""

import argparse
from pathlib import Path
from typing import Any

from contract.bundle import read_bundle
from model_build.commands.numbers import positive

HELP = "measure a bundle on recordings"


def add(command: argparse.ArgumentParser) -> None:
    """The command's options."""
    command.add_argument("--bundle", required=True, type=Path, metavar="FILE", help="the bundle to measure")
    command.add_argument("--data", required=True, type=Path, help="folder of the data set")
    command.add_argument("--split", help="validation, testing, or a fold; all but training if absent")
    command.add_argument("--limit", type=positive, help="at most so many clips of each word and split")


def run(options: argparse.Namespace) -> dict[str, Any]:
    """Measure; what ``--json`` prints."""
    from model_build.console import Console

    bundle = read_bundle(options.bundle)
    with Console() as console:
        from model_build.measure import measure

        result, broken = measure(bundle, options.data, options.split, console.progress, options.limit)
    for sentence in broken:
        console.warn(f"skipped {sentence}")
    console.score(result, bundle.manifest.labels)
    return {
        "bundle": str(options.bundle),
        "accuracy": result.accuracy,
        "clips": result.clips,
        "per_label": dict(result.per_label),
        "skipped": list(broken),
    }
