"""``model-build inspect``."""

import argparse
import json
from pathlib import Path
from typing import Any

from contract.bundle import Bundle, read_bundle

HELP = "show what a bundle says of itself"


def add(command: argparse.ArgumentParser) -> None:
    """The command's options."""
    command.add_argument("bundle", type=Path, metavar="FILE", help="the bundle to describe")


def run(options: argparse.Namespace) -> dict[str, Any]:
    """Show it; what ``--json`` prints."""
    from model_build.parity_report import read_parity, readable

    bundle: Bundle = read_bundle(options.bundle)
    parity = read_parity(bundle)
    plain = {"digest": bundle.digest, **bundle.manifest.to_plain()}
    if not options.json:
        print(json.dumps(plain, indent=2, ensure_ascii=False))
        for line in readable(parity):
            print(line)
    return {**plain, "parity": parity}
