"""``model-build export``."""

import argparse
from pathlib import Path
from typing import Any

from contract.bundle import read_bundle
from contract.manifest import CLASSIFIER, INT8, PREPROCESS, QUANTIZATIONS

HELP = "write the TFLite files of what was trained"

_ABOUT = """\
Write preprocess.tflite and classifier.tflite, for whoever wants to look into them or run them elsewhere: out
of a bundle, or out of the work folder of a training in any variant. What the tensors mean is in
docs/adr/0002-feature-tensor.md.

examples:
  model-build export --bundle keywords.bundle --into tflite
  model-build export --work keywords.bundle.work --variant dynamic-range --into tflite
"""


def add(command: argparse.ArgumentParser) -> None:
    """The command's options."""
    command.description = _ABOUT
    command.formatter_class = argparse.RawDescriptionHelpFormatter
    source = command.add_mutually_exclusive_group(required=True)
    source.add_argument("--bundle", type=Path, metavar="FILE", help="take them out of this bundle")
    source.add_argument("--work", type=Path, help="work folder of a training")
    command.add_argument("--into", required=True, type=Path, help="folder to write them to; made if absent")
    command.add_argument(
        "--variant", choices=QUANTIZATIONS, default=INT8, help="with --work: how numbers are stored (int8)"
    )


def run(options: argparse.Namespace) -> dict[str, Any]:
    """Write the files; what ``--json`` prints."""
    from model_build.console import Console, without_chatter, write_whole

    with Console() as console:
        if options.bundle:
            content = options.bundle
        else:
            with without_chatter():
                from model_build.factory import build, remembered
            order = remembered(options.work, options.variant)
            content = build(order, console.progress, console.findings).content
        bundle = read_bundle(content)
        options.into.mkdir(parents=True, exist_ok=True)
        paths = {name: options.into / name for name in (PREPROCESS, CLASSIFIER)}
        for name, path in paths.items():
            write_whole(path, bundle.files[name])
            console.say(f"{path}: {len(bundle.files[name]) / 1000:.0f} kB")
    return {"files": {name: str(path) for name, path in paths.items()}}
