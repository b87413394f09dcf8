"""The command ``model-build``."""

import argparse
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from contract.bundle import Bundle, read_bundle
from contract.errors import ContractError
from model_build.errors import ModelBuildError

_EXAMPLES = """\
examples:
  model-build train --recipe keywords --data speech_commands --out keywords.bundle
  model-build train --recipe sounds --data ESC-50-master --out sounds.bundle
  model-build train --recipe keywords --data speech_commands --out try.bundle --epochs 2 --limit 40
  model-build evaluate --bundle keywords.bundle --data speech_commands --json
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
    try:
        result: dict[str, Any] = options.run(options)
    except (ModelBuildError, ContractError) as error:
        print(f"model-build: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("model-build: stopped; nothing was written", file=sys.stderr)
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
    _add_train(commands.add_parser("train", help="make a bundle from recordings"))
    _add_evaluate(commands.add_parser("evaluate", help="measure a bundle on recordings"))
    inspect = commands.add_parser("inspect", help="show what a bundle says of itself")
    inspect.add_argument("bundle", type=Path, metavar="FILE", help="the bundle to describe")
    inspect.set_defaults(run=_inspect)
    for command in commands.choices.values():
        command.add_argument("--json", action="store_true", help="end with one line of JSON")
    return parser


def _add_train(command: argparse.ArgumentParser) -> None:
    command.add_argument("--recipe", required=True, help="keywords, sounds, or the path of a TOML file")
    command.add_argument("--data", required=True, type=Path, help="folder of the data set")
    command.add_argument("--out", required=True, type=Path, help="where to write the bundle")
    command.add_argument("--seed", type=int, help="instead of the recipe's")
    command.add_argument("--epochs", type=_positive, help="instead of the recipe's; few: quick and poor")
    command.add_argument("--copies", type=_positive, help="augmented copies, instead of the recipe's")
    command.add_argument("--limit", type=_positive, help="at most so many clips of each word and split")
    command.set_defaults(run=_train)


def _add_evaluate(command: argparse.ArgumentParser) -> None:
    command.add_argument("--bundle", required=True, type=Path, metavar="FILE", help="the bundle to measure")
    command.add_argument("--data", required=True, type=Path, help="folder of the data set")
    command.add_argument("--split", help="validation, testing, or a fold; all but training if absent")
    command.add_argument("--limit", type=_positive, help="at most so many clips of each word and split")
    command.set_defaults(run=_evaluate)


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 1 up")
    return int(text)


# TensorFlow takes seconds to import, and --help should not.
def _train(options: argparse.Namespace) -> dict[str, Any]:
    from model_build.console import Console, without_chatter, write_whole
    from model_build.dataset import find_corpus
    from model_build.recipe import load_recipe

    recipe = load_recipe(options.recipe)
    # What is missing is better said now than after a quarter of an hour.
    find_corpus(recipe, options.data)
    if not options.out.resolve().parent.is_dir():
        raise ModelBuildError(f"{options.out}: there is no folder to write it to")
    with without_chatter():
        from model_build.factory import build, with_training
    with Console() as console:
        chosen = with_training(recipe, seed=options.seed, epochs=options.epochs, copies=options.copies)
        built = build(chosen, options.data, console.progress, options.limit)
    for sentence in built.broken:
        console.warn(f"skipped {sentence}")
    write_whole(options.out, built.content)
    console.score(built.score, chosen.labels)
    console.say(f"{options.out}: {len(built.content) / 1000:.0f} kB")
    return {
        "bundle": str(options.out),
        "size_bytes": len(built.content),
        "accuracy": built.score.accuracy,
        "clips": built.score.clips,
        "skipped": list(built.broken),
        "metrics": dict(read_bundle(built.content).manifest.metrics),
    }


def _evaluate(options: argparse.Namespace) -> dict[str, Any]:
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


def _inspect(options: argparse.Namespace) -> dict[str, Any]:
    bundle: Bundle = read_bundle(options.bundle)
    plain = {"digest": bundle.digest, **bundle.manifest.to_plain()}
    if not options.json:
        print(json.dumps(plain, indent=2, ensure_ascii=False))
    return plain


if __name__ == "__main__":
    sys.exit(main())
