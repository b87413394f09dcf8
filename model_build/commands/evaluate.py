"""``model-build evaluate``."""

import argparse
import os
import shlex
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from contract.bundle import Bundle, read_bundle
from contract.manifest import ANOMALY
from model_build.commands.numbers import positive
from model_build.errors import ModelBuildError

if TYPE_CHECKING:
    from model_build.console import Console

HELP = "measure a bundle on recordings"

_EPILOG = """\
Clips are heard as a node hears them, step by step, and decided by the bundle's own rule. A stream is a
folder of recordings in which no target is heard, such as people talking of other things, or the sounds of a
house: it tells how often the bundle would raise a false alarm. Hours count here: half an hour without a false
alarm only shows that there are fewer than six an hour.

  model-build evaluate --bundle keywords.bundle --data speech_commands --split validation
  model-build evaluate --bundle keywords.bundle --data speech_commands --stream sentences --stream house \\
    --report keywords.html
"""


def add(command: argparse.ArgumentParser) -> None:
    """The command's options."""
    command.formatter_class = argparse.RawDescriptionHelpFormatter
    command.epilog = _EPILOG
    command.add_argument("--bundle", required=True, type=Path, metavar="FILE", help="the bundle to measure")
    command.add_argument("--data", required=True, type=Path, help="folder of the labelled clips")
    command.add_argument("--split", help="validation, testing, or a fold; all but training if absent")
    command.add_argument(
        "--stream",
        action="append",
        default=[],
        type=Path,
        metavar="FOLDER",
        help="recordings that hold no target, heard in a row; may be given several times",
    )
    command.add_argument(
        "--report", type=Path, metavar="FILE", help="write everything with pictures as one HTML page"
    )
    command.add_argument("--limit", type=positive, help="at most so many clips of each word and split")
    command.add_argument(
        "--recipe",
        help="name or file of the recipe to read the folder with; as the bundle says if absent",
    )


def run(options: argparse.Namespace) -> dict[str, Any]:
    """Measure; what ``--json`` prints."""
    from model_build.console import Console

    bundle = read_bundle(options.bundle)
    measure = _MEASURES.get(bundle.manifest.kind)
    if measure is None:
        raise ModelBuildError(f"{options.bundle}: nothing measures a bundle of kind {bundle.manifest.kind}")
    if options.report:
        _require_place(options.report)
    with Console() as console:
        return {"bundle": str(options.bundle), **measure(bundle, options, console)}


def _classifier(bundle: Bundle, options: argparse.Namespace, console: "Console") -> dict[str, Any]:
    from model_build.console import write_whole
    from model_build.report.classifier import Question, measure_classifier
    from model_build.report.page import render
    from model_build.report.terminal import show

    question = Question(
        data=options.data,
        split=options.split,
        streams=tuple(options.stream),
        limit=options.limit,
        recipe=options.recipe,
    )
    figures = measure_classifier(bundle, question, console.progress)
    size_bytes = options.bundle.stat().st_size
    for sentence in figures.skipped:
        console.warn(f"skipped {sentence}")
    show(figures, console)
    if options.report:
        page = render(figures, command=_spelled(options), size_bytes=size_bytes)
        write_whole(options.report, page.encode())
        console.say(f"report: {options.report}")
    return {"size_bytes": size_bytes, **figures.to_plain()}


def _anomaly(bundle: Bundle, options: argparse.Namespace, console: "Console") -> dict[str, Any]:
    from model_build.anomaly.command import evaluate

    return evaluate(bundle, options, console)


_MEASURES: Mapping[str, Callable[[Bundle, argparse.Namespace, "Console"], dict[str, Any]]] = {
    "classifier": _classifier,
    ANOMALY: _anomaly,
}
"""How a bundle is measured, by the kind that its manifest names."""


def _require_place(report: Path) -> None:
    """Refuse a path that cannot be written now rather than after minutes of listening."""
    folder = report.resolve().parent
    if not folder.is_dir():
        raise ModelBuildError(f"{report}: there is no folder to write it to")
    if report.is_dir() or not os.access(folder, os.W_OK):
        raise ModelBuildError(f"{report}: cannot be written there; name a file in a folder of yours")


def _spelled(options: argparse.Namespace) -> str:
    """The command as it can be given again."""
    words = ["model-build", "evaluate", "--bundle", str(options.bundle), "--data", str(options.data)]
    for name in ("split", "limit", "recipe"):
        value = getattr(options, name)
        words += [f"--{name}", str(value)] if value is not None else []
    for folder in options.stream:
        words += ["--stream", str(folder)]
    words += ["--report", str(options.report)] if options.report else []
    return shlex.join(words)
