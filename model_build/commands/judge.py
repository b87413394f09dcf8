"""``model-build judge``."""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from contract.bundle import read_bundle

HELP = "what a bundle makes of everything that was held back, for a gate to compare"

_ABOUT = """\
Hear the held-back windows of a snapshot, the base's validation clips, its streams without targets, silence
and noise with a bundle's quantized models, as a node hears them, and write what is said of each.

example:
  model-build judge --bundle candidate.bundle --base keywords.base --windows snapshot --out candidate.json
"""


def add(command: argparse.ArgumentParser) -> None:
    """The command's options."""
    command.description = _ABOUT
    command.formatter_class = argparse.RawDescriptionHelpFormatter
    command.add_argument("--bundle", required=True, type=Path, metavar="FILE", help="the bundle to judge")
    command.add_argument(
        "--base", required=True, type=Path, metavar="FILE", help="archive that `model-build base` wrote"
    )
    command.add_argument(
        "--windows", required=True, type=Path, metavar="DIR", help="snapshot of reviewed windows"
    )
    command.add_argument("--out", required=True, type=Path, metavar="FILE", help="where to write the figures")
    command.add_argument(
        "--progress-json", action="store_true", help="say how far it is, one JSON object a line"
    )


def run(options: argparse.Namespace) -> dict[str, Any]:
    """Write the figures; what ``--json`` prints."""
    from model_build.console import Console, require_folder, without_chatter, write_whole

    require_folder(options.out)
    with without_chatter():
        from model_build.retrain.base_file import read_base
        from model_build.retrain.judging import judge
        from model_build.retrain.snapshot import read_snapshot
        from model_build.retrain.watching import ConsoleWatcher, JsonWatcher
    bundle = read_bundle(options.bundle)
    with Console() as console:
        base, snapshot = read_base(options.base), read_snapshot(options.windows)
        watcher = JsonWatcher(sys.stdout) if options.progress_json else ConsoleWatcher(console)
        figures = judge(bundle, options.bundle, base, snapshot, watcher.progress)
        write_whole(options.out, json.dumps(figures, indent=1).encode())
        said = f"{len(figures['windows'])} windows, {len(figures['base'])} clips"
        console.say(f"{options.out}: {said}, {figures['streams']['false_alarms']} false alarms")
    return {
        "figures": str(options.out),
        "windows": len(figures["windows"]),
        "clips": len(figures["base"]),
        "false_alarms": figures["streams"]["false_alarms"],
    }
