"""The folder of metadata and bundles that nodes are given, and the names in it."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from aggregator.domain.published import TARGET_NAME
from aggregator.errors import StoreError
from aggregator.services.durable_files import in_words, replace

METADATA_NAME: Final = re.compile(r"timestamp\.json|([1-9][0-9]{0,15})\.(root|snapshot|targets)\.json")
FILE_NAME: Final = re.compile(rf"[0-9a-f]{{64}}\.{TARGET_NAME.pattern}")
_KEPT_VERSIONS: Final = 3
"""A node may be in the midst of reading the one before."""


class OtaFiles:
    """``metadata`` and ``targets`` below ``folder``. No name leads out of it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._metadata = folder / "metadata"
        self._targets = folder / "targets"

    def metadata(self, name: str) -> bytes | None:
        """A file of metadata; None if there is none of that name."""
        if not METADATA_NAME.fullmatch(name):
            return None
        try:
            return (self._metadata / name).read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise StoreError(f"{self._metadata / name}: {error.strerror or error}") from error

    def target(self, name: str) -> Path | None:
        """Where a bundle lies; None if there is none of that name."""
        if not FILE_NAME.fullmatch(name) or ".." in name:
            return None
        path = self._targets / name
        return path if path.is_file() else None

    def targets(self) -> frozenset[str]:
        """The names of all bundles that lie there."""
        if not self._targets.is_dir():
            return frozenset()
        return frozenset(path.name for path in self._targets.iterdir() if FILE_NAME.fullmatch(path.name))

    def versions(self, role: str) -> list[int]:
        """Which versions of ``root``, ``snapshot`` or ``targets`` there are, the newest first."""
        return sorted((version for version, _ in self._found(role)), reverse=True)

    def write_metadata(self, name: str, content: bytes) -> None:
        """Put a file of metadata there, whole or not at all."""
        self._write(self._metadata / name, content)

    def write_target(self, name: str, content: bytes) -> None:
        """Put a bundle there, whole or not at all."""
        self._write(self._targets / name, content)

    def tidy(self, listed: frozenset[str]) -> None:
        """Remove bundles that are not ``listed`` any more, and metadata that no node asks for."""
        for name in self.targets() - listed:
            (self._targets / name).unlink(missing_ok=True)
        for role in ("snapshot", "targets"):
            for version in self.versions(role)[_KEPT_VERSIONS:]:
                (self._metadata / f"{version}.{role}.json").unlink(missing_ok=True)

    def _found(self, role: str) -> Iterator[tuple[int, Path]]:
        if not self._metadata.is_dir():
            return
        for path in self._metadata.iterdir():
            found = METADATA_NAME.fullmatch(path.name)
            if found and found[2] == role:
                yield int(found[1]), path

    def _write(self, path: Path, content: bytes) -> None:
        try:
            replace(path, content)
        except OSError as error:
            raise StoreError(f"{path} cannot be written: {in_words(error)}") from error
