"""``model-build data``."""

import argparse
import sys
from pathlib import Path
from typing import Any

from model_build.errors import ModelBuildError

NAMES = ("speech-commands", "esc50")
HELP = "download a public data set"

_ABOUT = """\
Download a public data set, verify it, and unpack it into a folder that train, check and evaluate can read.

  speech-commands  Google Speech Commands v0.02: 105,829 clips of 35 words, CC BY 4.0; 2.4 GB to download;
                   verified by its SHA-256
  esc50            ESC-50: 2,000 clips of 50 classes, CC BY-NC 3.0 (its part ESC-10: CC BY 3.0); about 0.65 GB
                   to download; its server packs it anew each time, so every clip is checked instead

Interrupted, the same command goes on where it ended; finished, it does nothing. A copy of the archive that
lies in DIR already is used instead of downloading.

examples:
  model-build data speech-commands --into data
  model-build data esc50 --into data --url https://mirror.example/ESC-50-master.zip
  model-build train --recipe keywords --data data/speech_commands_v0.02 --out keywords.bundle
"""


def add(command: argparse.ArgumentParser) -> None:
    """The command's options."""
    command.description = _ABOUT
    command.formatter_class = argparse.RawDescriptionHelpFormatter
    command.add_argument("name", choices=NAMES, help="which one")
    command.add_argument("--into", required=True, type=Path, metavar="DIR", help="where to put its folder")
    command.add_argument("--url", help="another address of the same archive (https:// or http://)")


def run(options: argparse.Namespace) -> dict[str, Any]:
    """Fetch it; what ``--json`` prints."""
    from model_build.archives.archive import ARCHIVES
    from model_build.archives.fetch import fetch
    from model_build.console import Console

    archive = ARCHIVES[options.name]
    try:
        with Console() as console:
            fetched = fetch(archive, options.into, console.progress, options.url)
            state = "is there already" if fetched.was_there else "is ready"
            console.say(f"{fetched.folder}: {archive.title} {state} ({archive.licence})")
    except KeyboardInterrupt:
        print("model-build: stopped; the same command goes on from here", file=sys.stderr)
        raise SystemExit(130) from None
    except OSError as error:
        raise ModelBuildError(f"{error.filename or options.into}: {error.strerror or error}") from error
    return {
        "name": archive.name,
        "folder": str(fetched.folder),
        "was_there": fetched.was_there,
        "licence": archive.licence,
    }
