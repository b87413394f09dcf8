"""``model-build train``."""

import argparse
from pathlib import Path
from typing import Any

from contract.bundle import read_bundle
from model_build.commands import base
from model_build.commands.numbers import positive
from model_build.errors import ModelBuildError

HELP = "make a bundle from recordings"


def add(command: argparse.ArgumentParser) -> None:
    """The command's options."""
    command.add_argument(
        "--recipe", required=True, help="keywords, sounds, anomaly, denoise, or the path of a TOML file"
    )
    command.add_argument("--data", required=True, type=Path, help="folder of the data set")
    command.add_argument("--out", required=True, type=Path, help="where to write the bundle")
    command.add_argument(
        "--work",
        type=Path,
        help="folder that keeps what is done, so that a stopped training goes on (default: OUT.work)",
    )
    command.add_argument(
        "--negatives",
        type=Path,
        help="folder that holds the recipe's negatives (default: in or beside the data set)",
    )
    command.add_argument(
        "--noise",
        action="append",
        type=Path,
        metavar="DIR",
        help="denoise: recordings of noise; give it again for every further folder",
    )
    command.add_argument(
        "--words", type=Path, metavar="DIR", help="denoise: short clips of speech by many people"
    )
    command.add_argument(
        "--base", type=Path, metavar="FILE", help="write the base archive too, to learn again from it later"
    )
    command.add_argument("--seed", type=int, help="instead of the recipe's")
    command.add_argument(
        "--epochs", type=positive, help="instead of the recipe's (of a denoiser: steps); few: quick and poor"
    )
    command.add_argument("--copies", type=positive, help="augmented copies, instead of the recipe's")
    command.add_argument("--limit", type=positive, help="at most so many clips of each word and split")


def run(options: argparse.Namespace) -> dict[str, Any]:
    """Make the bundle; what ``--json`` prints."""
    from model_build.anomaly.recipe import is_anomaly_recipe

    if is_anomaly_recipe(options.recipe):
        if options.base:
            raise ModelBuildError(
                "--base is for classifiers; an anomaly model is not learned again from windows"
            )
        from model_build.anomaly import command

        return command.train(options)
    from model_build.denoise.recipe import is_denoise_recipe

    if is_denoise_recipe(options.recipe):
        if options.base:
            raise ModelBuildError("--base is for classifiers; a denoiser is not learned again from windows")
        from model_build.denoise import command as denoise

        return denoise.train(options)
    from model_build.console import Console, require_folder, without_chatter, write_whole
    from model_build.dataset import find_corpus
    from model_build.recipe import load_recipe

    recipe = load_recipe(options.recipe)
    # What is missing is better said now than after a quarter of an hour.
    find_corpus(recipe, options.data)
    work = options.work or options.out.with_name(f"{options.out.name}.work")
    require_folder(options.out)
    require_folder(options.base or options.out)
    with without_chatter():
        from model_build.factory import Order, build, with_training
    with Console() as console:
        chosen = with_training(recipe, seed=options.seed, epochs=options.epochs, copies=options.copies)
        order = Order(
            recipe=chosen,
            folder=options.data,
            work=work,
            negatives=options.negatives,
            limit=options.limit,
        )
        built = build(order, console.progress, console.findings)
    for sentence in built.broken:
        console.warn(f"skipped {sentence}")
    write_whole(options.out, built.content)
    console.score(built.score, chosen.labels)
    console.say(f"{options.out}: {len(built.content) / 1000:.0f} kB")
    if options.base:
        base.keep(work, options.out, options.base)
    return {
        "bundle": str(options.out),
        "size_bytes": len(built.content),
        "accuracy": built.score.accuracy,
        "clips": built.score.clips,
        "skipped": list(built.broken),
        "metrics": dict(read_bundle(built.content).manifest.metrics),
    }
