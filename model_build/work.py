"""The work folder of a training: what is done already, so that a killed training goes on where it was.

Everything in it is a pure function of its key (recipe, recordings, versions); a folder of another key is
cleared. Each part is written whole or not at all.
"""

import json
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from model_build.errors import ModelBuildError

Arrays = dict[str, NDArray[Any]]

_KEY = "key.json"


class WorkFolder:
    """Named sets of arrays on disk."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @classmethod
    def open(cls, path: Path, key: Mapping[str, Any], *, only_same: bool = False) -> Self:
        """The folder at ``path``; what another key left in it is removed, or refused if ``only_same``."""
        said = json.dumps(key, sort_keys=True, indent=1)
        known = path / _KEY
        if path.exists() and not known.is_file() and any(path.iterdir()):
            raise ModelBuildError(f"{path}: is no work folder of a training; choose another with --work")
        if only_same and not (known.is_file() and known.read_text() == said):
            raise ModelBuildError(
                f"{path}: its training was of another recipe, of other recordings or by other versions"
            )
        if known.is_file() and known.read_text() != said:
            shutil.rmtree(path)
        path.mkdir(parents=True, exist_ok=True)
        if not known.is_file():
            _write_whole(known, said.encode())
        return cls(path)

    def within(self, name: str) -> "WorkFolder":
        """A folder in this one, for a part of the work that has parts itself."""
        inner = WorkFolder(self.path / name)
        inner.path.mkdir(exist_ok=True)
        return inner

    def once(self, name: str, make: Callable[[], Arrays]) -> Arrays:
        """The arrays ``name``, made now unless they are there; read from disk as they are needed."""
        folder = self.path / name
        if not folder.is_dir():
            fresh = self.path / f"{name}.fresh"
            shutil.rmtree(fresh, ignore_errors=True)
            fresh.mkdir()
            for key, array in make().items():
                np.save(fresh / f"{key}.npy", array, allow_pickle=False)
            fresh.rename(folder)
        return {
            path.stem: np.load(path, mmap_mode="r", allow_pickle=False)
            for path in sorted(folder.glob("*.npy"))
        }

    def once_bytes(self, name: str, make: Callable[[], bytes]) -> bytes:
        """The file ``name``, made now unless it is there."""
        path = self.path / name
        if not path.is_file():
            _write_whole(path, make())
        return path.read_bytes()

    def save(self, name: str, arrays: Arrays) -> None:
        """Keep ``arrays`` as ``name``, instead of what was there."""
        fresh = self.path / f"{name}.fresh.npz"
        np.savez(fresh, allow_pickle=False, **arrays)
        fresh.replace(self.path / f"{name}.npz")

    def load(self, name: str) -> Arrays | None:
        """What was saved as ``name``, or none."""
        path = self.path / f"{name}.npz"
        if not path.is_file():
            return None
        with np.load(path, allow_pickle=False) as stored:
            return {key: stored[key] for key in stored.files}

    def forget(self, pattern: str) -> None:
        """Remove what fits ``pattern``."""
        for path in self.path.glob(pattern):
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink()


def _write_whole(path: Path, content: bytes) -> None:
    fresh = path.with_name(f"{path.name}.fresh")
    fresh.write_bytes(content)
    fresh.replace(path)
