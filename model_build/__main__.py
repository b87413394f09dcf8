"""The command ``model-build``."""

import argparse
import json
import os
import sys
from collections.abc import Sequence
from typing import Any

from contract.errors import ContractError
from model_build.commands import (
    add_denoiser,
    base,
    bundle,
    check,
    compare,
    data,
    evaluate,
    evaluate_audio,
    export,
    inspect,
    judge,
    learn_codec,
    new,
    retrain,
    train,
)
from model_build.errors import ModelBuildError

_COMMANDS = {
    "new": new,
    "data": data,
    "check": check,
    "train": train,
    "evaluate": evaluate,
    "compare": compare,
    "export": export,
    "bundle": bundle,
    "base": base,
    "retrain": retrain,
    "judge": judge,
    "inspect": inspect,
    "learn-codec": learn_codec,
    "add-denoiser": add_denoiser,
    "evaluate-audio": evaluate_audio,
}
"""In the order in which ``--help`` lists them."""

_EXAMPLES = """\
examples:
  model-build train --recipe keywords --data speech_commands --out keywords.bundle
  model-build train --recipe sounds --data ESC-50-master --out sounds.bundle
  model-build train --recipe keywords --data speech_commands --out try.bundle --epochs 2 --limit 40
  model-build evaluate --bundle keywords.bundle --data speech_commands --json
  model-build compare --data speech_commands --models lstm,svm,forest --seeds 1
  model-build inspect keywords.bundle

A recipe is a TOML file that holds every number of a model. Two come with the factory:
  keywords  seven spoken commands, other words, silence; from the layout of Speech Commands
            (<word>/<speaker>_nohash_<n>.wav, split by its lists, by its hash, or into folders
            training/ and validation/), noise from _background_noise_/
  sounds    the ten sounds of ESC-10 and background; from the layout of ESC-50 (audio/, meta/esc50.csv);
            measured by leaving out each fold in turn, then trained on all of them
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; the exit code."""
    options = _parser().parse_args(arguments)
    # TensorFlow tells everybody about its instruction sets otherwise.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    # How many threads share a sum changes its last bits, and the same recipe shall give the same bundle.
    for name in ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"):
        os.environ.setdefault(name, "1")
    try:
        result: dict[str, Any] = options.run(options)
    except (ModelBuildError, ContractError) as error:
        print(f"model-build: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("model-build: stopped; a training goes on from its work folder", file=sys.stderr)
        return 130
    if options.json:
        print(json.dumps(result))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="model-build",
        description="Makes, measures and shows bundles: what a node needs to recognise sounds.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for name, module in _COMMANDS.items():
        command = commands.add_parser(name, help=module.HELP)
        module.add(command)
        command.add_argument("--json", action="store_true", help="end with one line of JSON")
        command.set_defaults(run=module.run)
    return parser


if __name__ == "__main__":
    sys.exit(main())
