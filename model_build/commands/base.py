"""``model-build base``."""

import argparse
from pathlib import Path
from typing import Any

from contract.bundle import read_bundle

HELP = "keep what a training knew, to learn again from it later"

_ABOUT = """\
Write a base archive: the float weights of a training, a few varied copies of what it learned from, and what
it was measured on, all as features. `model-build retrain` adds what nodes have sent and needs no recordings.
Features can be turned back into sound: keep an archive as you keep the recordings.

example:
  model-build base --work keywords.bundle.work --bundle keywords.bundle --out keywords.base
"""


def add(command: argparse.ArgumentParser) -> None:
    """The command's options."""
    command.description = _ABOUT
    command.formatter_class = argparse.RawDescriptionHelpFormatter
    command.add_argument("--work", required=True, type=Path, help="work folder of the training")
    command.add_argument("--bundle", required=True, type=Path, metavar="FILE", help="the bundle it ended in")
    command.add_argument("--out", required=True, type=Path, metavar="FILE", help="where to write the archive")


def run(options: argparse.Namespace) -> dict[str, Any]:
    """Write the archive; what ``--json`` prints."""
    return keep(options.work, options.bundle, options.out)


def keep(work: Path, bundle: Path, out: Path) -> dict[str, Any]:
    """Write the base of ``bundle``; what ``--json`` prints."""
    from model_build.console import Console, require_folder, without_chatter

    require_folder(out)
    with without_chatter():
        from model_build.retrain.base_file import read_base, write_base
        from model_build.retrain.making import make_base
    with Console() as console:
        write_base(make_base(work, read_bundle(bundle), console.progress, lambda _: None), out)
        base = read_base(out)
        size_bytes = out.stat().st_size
        console.say(f"{out}: {size_bytes / 1e6:.0f} MB, {len(base.training.target)} examples")
    return {
        "base": str(out),
        "digest": base.digest,
        "size_bytes": size_bytes,
        "examples": len(base.training.target),
        "validation": len(base.validation.truth),
        "streams": len(base.streams.label),
    }
