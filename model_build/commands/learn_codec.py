"""``model-build learn-codec``."""

import argparse
import json
from pathlib import Path
from typing import Any

from model_build.commands.numbers import positive

HELP = "learn from recordings how the codec predicts frames"

_ABOUT = """\
Fit the weights and count the tables with which contract/codec packs frames, as whole numbers. A codec that
learned anew does not understand the packets of one before: change the file only with all nodes.

example:
  model-build learn-codec --data sentences --data speech_commands/training --bundle models/keywords.bundle \\
    --out contract/codec/learned.json
"""


def add(command: argparse.ArgumentParser) -> None:
    """The command's options."""
    command.description = _ABOUT
    command.formatter_class = argparse.RawDescriptionHelpFormatter
    command.add_argument(
        "--data", required=True, action="append", type=Path, metavar="DIR", help="recordings; repeatable"
    )
    command.add_argument(
        "--bundle", required=True, type=Path, metavar="FILE", help="bundle whose front end makes the frames"
    )
    command.add_argument("--out", required=True, type=Path, metavar="FILE", help="where to write the numbers")
    command.add_argument(
        "--hold-back",
        type=positive,
        default=40,
        metavar="N",
        help="leave out the first files of each folder, to measure on (default: 40)",
    )
    command.add_argument(
        "--limit", type=positive, default=160, help="at most so many files of each folder (default: 160)"
    )


def run(options: argparse.Namespace) -> dict[str, Any]:
    """Learn; what ``--json`` prints."""
    from contract.bundle import read_bundle
    from contract.manifest import PREPROCESS
    from model_build.audio.learning import learn_from
    from model_build.audio.recordings import files_of
    from model_build.console import Console, require_folder, write_whole

    require_folder(options.out)
    frontend = read_bundle(options.bundle).files[PREPROCESS]
    paths = [
        path
        for folder in options.data
        for path in _spread(files_of(folder)[options.hold_back :], options.limit)
    ]
    with Console() as console:
        learned, frames = learn_from(paths, frontend, console.progress)
        write_whole(options.out, json.dumps(learned, separators=(",", ":")).encode() + b"\n")
        console.say(f"{options.out}: learned from {len(paths)} recordings, {frames} stored frames")
    return {"out": str(options.out), "recordings": len(paths), "frames": frames}


def _spread(paths: list[Path], limit: int) -> list[Path]:
    """``limit`` of ``paths``, evenly from all of them."""
    return paths[:: max(len(paths) // limit, 1)][:limit]
