"""``model-build add-denoiser``."""

import argparse
from pathlib import Path
from typing import Any

from contract.bundle import read_bundle

HELP = "put a denoiser into the bundle of another model"

_ABOUT = """\
Put denoise.tflite of one bundle into another one, with what it does to that one's self-test sound. The models
in it stay as they are. A node uses it where its settings say [denoise] on = true.

example:
  model-build add-denoiser --bundle models/keywords.bundle --denoiser models/denoise.bundle --out both.bundle
"""


def add(command: argparse.ArgumentParser) -> None:
    """The command's options."""
    command.description = _ABOUT
    command.formatter_class = argparse.RawDescriptionHelpFormatter
    command.add_argument("--bundle", required=True, type=Path, metavar="FILE", help="the model")
    command.add_argument(
        "--denoiser", required=True, type=Path, metavar="FILE", help="bundle that holds denoise.tflite"
    )
    command.add_argument("--out", required=True, type=Path, help="where to write the bundle")


def run(options: argparse.Namespace) -> dict[str, Any]:
    """Make the bundle; what ``--json`` prints."""
    from model_build.console import Console, require_folder, write_whole
    from model_build.denoise.bundle import with_denoiser

    require_folder(options.out)
    content = with_denoiser(read_bundle(options.bundle), read_bundle(options.denoiser))
    write_whole(options.out, content)
    Console().say(f"{options.out}: {len(content) / 1000:.0f} kB")
    return {"bundle": str(options.out), "size_bytes": len(content), "digest": read_bundle(content).digest}
