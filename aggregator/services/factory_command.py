"""Finds the program that trains, or says what has to be installed."""

import importlib.util
import os
import shlex
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

DEFAULT: Final = "model-build"
INSTALL: Final = "pip install 'soundpost[train]' into the aggregator’s environment"


@dataclass(frozen=True, slots=True, kw_only=True)
class FactoryCommand:
    """The command line to begin with, or in ``missing`` a sentence that says what to do first."""

    words: tuple[str, ...]
    missing: str | None


def find(command: str, *, base: str, bundle: str) -> FactoryCommand:
    """Whether this machine can train with the settings ``training.command``, ``.base`` and ``.bundle``."""
    words = _split(command)
    found = _which(words[0]) if words else None
    if not base:
        missing = "retraining is off: name a base archive with [training] base; `model-build base` writes one"
    elif not Path(base).is_file():
        missing = f"there is no base archive {base}: `model-build base` writes one"
    elif not bundle or not Path(bundle).is_file():
        missing = (
            f"there is no bundle {bundle or 'named'}: [training] bundle names the one that the base is of"
        )
    elif found is None:
        missing = f"{words[0] if words else 'the program that trains'} is not installed here: {INSTALL}"
    elif Path(found).name == DEFAULT and _is_ours(found) and not importlib.util.find_spec("tensorflow"):
        missing = f"{DEFAULT} lacks the libraries that it trains with: {INSTALL}"
    else:
        return FactoryCommand(words=(found, *words[1:]), missing=None)
    return FactoryCommand(words=(), missing=missing)


def _split(command: str) -> list[str]:
    try:
        return shlex.split(command)
    except ValueError:
        return []


def _which(name: str) -> str | None:
    # Beside our own interpreter first: a virtual environment need not be on the path.
    beside = os.path.dirname(sys.executable)  # noqa: PTH120 - the link, not what it leads to
    return shutil.which(name, path=os.pathsep.join([beside, os.environ.get("PATH", os.defpath)]))


def _is_ours(found: str) -> bool:
    return os.path.dirname(found) == os.path.dirname(sys.executable)  # noqa: PTH120
