"""Records in small JSON files: read with every check, replaced whole."""

import json
import logging
from pathlib import Path
from typing import Final, TypeVar

from contract.record import Record
from edge_agent.update.files import Files, make_folders, replace

_LIMIT_BYTES: Final = 1_000_000
R = TypeVar("R", bound=Record)

_log = logging.getLogger("edge_agent.update")


def read(path: Path, kind: type[R]) -> R | None:
    """What the file holds; None if there is none, or it is damaged. ``OSError``: disk."""
    try:
        with path.open("rb") as file:
            return kind.from_plain(json.loads(file.read(_LIMIT_BYTES)))
    except FileNotFoundError:
        return None
    except (ValueError, RecursionError) as error:
        _log.error("a file of the updates is damaged and does not count",
                   extra={"file": str(path), "error": str(error)})  # fmt: skip
        return None


def write(files: Files, path: Path, record: Record) -> None:
    """In the place of what was there, synced."""
    make_folders(files, path.parent)
    replace(files, path, json.dumps(record.to_plain(), indent=1).encode())
