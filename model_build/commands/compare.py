"""``model-build compare``."""

import argparse
from pathlib import Path
from typing import Any

from model_build.commands.numbers import positive
from model_build.compare.names import MODELS

HELP = "train and measure other kinds of models beside the recipe's own"


def add(command: argparse.ArgumentParser) -> None:
    """The command's options."""
    command.formatter_class = argparse.RawDescriptionHelpFormatter
    command.description = _DESCRIPTION
    command.add_argument("--data", required=True, type=Path, help="folder of the data set")
    command.add_argument(
        "--recipe",
        help="keywords, sounds, or the path of a TOML file; the one that fits the folder if absent",
    )
    command.add_argument(
        "--models", type=_models, default=MODELS, metavar="A,B", help="which, separated by commas (all)"
    )
    command.add_argument(
        "--seeds", type=positive, default=3, help="trainings of each model in each round (3)"
    )
    command.add_argument("--epochs", type=positive, help="of every network, instead of the recipe's")
    command.add_argument("--copies", type=positive, help="augmented copies, instead of the recipe's")
    command.add_argument("--limit", type=positive, help="at most so many clips of each word and split")
    command.add_argument(
        "--stream", type=Path, help="folder of recordings without targets, to count false alarms in"
    )
    command.add_argument(
        "--negatives", type=Path, help="folder that holds the recipe's negatives (in or beside the data set)"
    )
    command.add_argument(
        "--out", type=Path, default=Path("comparison"), help="folder of the results (comparison)"
    )


def run(options: argparse.Namespace) -> dict[str, Any]:
    """Compare; what ``--json`` prints."""
    from model_build.compare.fitting import fitting_recipe
    from model_build.compare.shown import show
    from model_build.console import Console, without_chatter

    recipe = fitting_recipe(options.recipe, options.data)
    with without_chatter():
        from model_build.compare.compare import Order, compare
        from model_build.factory import with_training
    order = Order(
        recipe=with_training(recipe, seed=None, epochs=options.epochs, copies=options.copies),
        data=options.data,
        out=options.out,
        models=options.models,
        seeds=options.seeds,
        limit=options.limit,
        negatives=options.negatives,
        stream=options.stream,
    )
    with Console() as console:
        compared = compare(order, console.progress)
    for sentence in compared.broken:
        console.warn(f"skipped {sentence}")
    show(compared.rows, compared.notes)
    console.say(f"{options.out}: compare.json, compare.md, plot.svg, report.html")
    return {**compared.plain, "skipped": list(compared.broken)}


def _models(text: str) -> tuple[str, ...]:
    names = tuple(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))
    strange = [name for name in names if name not in MODELS]
    if strange or not names:
        raise argparse.ArgumentTypeError(f"{', '.join(strange) or 'nothing'}: know {', '.join(MODELS)}")
    return names


_DESCRIPTION = """\
Trains every kind of model on the same features, labels and augmented copies, judges all on the same clips,
and writes a table, a plot and a page into OUT.

  lstm       the recipe's own network
  gru        the same with a gated recurrent unit
  crnn       convolutions and a wide recurrent unit, as in kws_streaming
  ds-cnn     depthwise-separable convolutions, as in MLPerf Tiny
  svm, forest, tree   on statistics of each clip, tuned by cross-validation on training clips
  templates  energy gate and dynamic time warping against typical clips; nothing is learned

A data set with the splits training and validation is judged on validation, one with folds by leaving out each
in turn. Each training is kept in OUT/results: a comparison that was stopped goes on where it was when the
same command is given again, and models can be added to it with another --models."""
