"""``model-build retrain``."""

import argparse
import sys
from pathlib import Path
from typing import Any

from contract.bundle import read_bundle
from contract.manifest import INT8, QUANTIZATIONS
from model_build.commands.numbers import positive

HELP = "learn again from a base archive and from reviewed windows of nodes"

_ABOUT = """\
Make a bundle that knows what the base knows and what reviewed windows show, labels that are new included. It
starts from the base's weights and needs no recordings. Windows of another front end are refused. A retraining
that was stopped goes on from its work folder; the same base, snapshot and machine give the same bytes.

examples:
  model-build retrain --base keywords.base --windows snapshot --out candidate.bundle
  model-build retrain --base keywords.base --windows snapshot --out candidate.bundle --progress-json
"""


def add(command: argparse.ArgumentParser) -> None:
    """The command's options."""
    command.description = _ABOUT
    command.formatter_class = argparse.RawDescriptionHelpFormatter
    command.add_argument(
        "--base", required=True, type=Path, metavar="FILE", help="archive that `model-build base` wrote"
    )
    command.add_argument(
        "--windows", required=True, type=Path, metavar="DIR", help="snapshot of reviewed windows"
    )
    command.add_argument("--out", required=True, type=Path, metavar="FILE", help="where to write the bundle")
    command.add_argument(
        "--work",
        type=Path,
        metavar="DIR",
        help="folder that keeps what is done, so that a stopped retraining goes on (default: OUT.work)",
    )
    command.add_argument(
        "--epochs", type=positive, help="instead of a quarter of the recipe's, or what 1000 steps need"
    )
    command.add_argument("--seed", type=positive, help="instead of the recipe's")
    command.add_argument(
        "--version", dest="named", metavar="TEXT", help="of the bundle (default: BASE+SNAPSHOT)"
    )
    command.add_argument(
        "--variant", choices=QUANTIZATIONS, default=INT8, help="how numbers are stored (default: int8)"
    )
    command.add_argument(
        "--progress-json", action="store_true", help="say how far it is, one JSON object a line"
    )


def run(options: argparse.Namespace) -> dict[str, Any]:
    """Make the bundle; what ``--json`` prints."""
    from model_build.console import Console, require_folder, without_chatter, write_whole

    require_folder(options.out)
    with without_chatter():
        from model_build.retrain.retraining import RetrainOrder, retrain
        from model_build.retrain.watching import ConsoleWatcher, JsonWatcher
    order = RetrainOrder(
        base=options.base,
        windows=options.windows,
        work=options.work or options.out.with_name(f"{options.out.name}.work"),
        epochs=options.epochs,
        seed=options.seed,
        version=options.named,
        variant=options.variant,
    )
    with Console() as console:
        made = retrain(order, JsonWatcher(sys.stdout) if options.progress_json else ConsoleWatcher(console))
    write_whole(options.out, made.content)
    console.score(made.score, made.labels)
    console.say(f"{options.out}: {len(made.content) / 1000:.0f} kB")
    bundle = read_bundle(made.content)
    return {
        "bundle": str(options.out),
        "digest": bundle.digest,
        "size_bytes": len(made.content),
        "labels": list(made.labels),
        "accuracy": made.score.accuracy,
        "metrics": dict(bundle.manifest.metrics),
    }
