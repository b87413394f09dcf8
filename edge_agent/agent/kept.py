"""Small JSON files in the state folder, replaced whole."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any


def read(path: Path) -> dict[str, Any] | None:
    """What the file holds; ``None`` if there is none. ``ValueError`` or ``OSError`` if it cannot be read."""
    try:
        plain = json.loads(path.read_text())
    except FileNotFoundError:
        return None
    if not isinstance(plain, dict):
        raise ValueError("not a map")
    return plain


def write(path: Path, plain: Mapping[str, Any], mode: int = 0o666) -> None:
    """Beside the old file, synced, then in its place: a power cut leaves one of the two."""
    beside = path.with_suffix(".new")
    with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "w") as file:
        json.dump(plain, file)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)
