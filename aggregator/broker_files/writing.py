"""Puts the files of a configuration into a folder, readable by the owner alone."""

import os
from collections.abc import Mapping
from pathlib import Path

from aggregator.errors import SettingsError


def write(folder: Path, files: Mapping[str, str]) -> None:
    """Write ``files``. ``SettingsError`` if one is there already."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        present = [name for name in files if (folder / name).exists()]
        if present:
            raise SettingsError(f"{folder / present[0]}: is there already; choose another folder")
        for name, content in files.items():
            descriptor = os.open(folder / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                file.write(content)
    except OSError as error:
        raise SettingsError(f"{folder}: cannot be written: {error}") from error
