"""The only way in which updates change the disk: few primitive steps, so that a test can stop after each."""

import os
from pathlib import Path


class Files:
    """Steps on the file system; each may raise ``OSError``."""

    def write(self, path: Path, content: bytes) -> None:
        """Make or empty the file, and fill it. Lost in a power cut until ``sync``."""
        with path.open("wb") as file:
            file.write(content)

    def append(self, path: Path, content: bytes) -> None:
        """Add to its end. Lost in a power cut until ``sync``."""
        with path.open("ab") as file:
            file.write(content)

    def sync(self, path: Path) -> None:
        """Let the file's content outlive a power cut."""
        _sync(path, os.O_RDONLY)

    def sync_folder(self, path: Path) -> None:
        """Let names made, changed and removed in the folder outlive a power cut."""
        _sync(path, os.O_RDONLY | os.O_DIRECTORY)

    def rename(self, source: Path, target: Path) -> None:
        """At once in the place of what was there."""
        source.replace(target)

    def remove(self, path: Path) -> None:
        """Nothing if it is not there."""
        path.unlink(missing_ok=True)

    def make_folder(self, path: Path) -> None:
        """Nothing if it is there."""
        path.mkdir(mode=0o750, parents=True, exist_ok=True)


def replace(files: Files, path: Path, content: bytes) -> None:
    """The file whole: a power cut leaves the old content or the new."""
    beside = path.with_name(f"{path.name}.new")
    files.write(beside, content)
    files.sync(beside)
    files.rename(beside, path)
    files.sync_folder(path.parent)


def move(files: Files, source: Path, target: Path) -> None:
    """A finished file to its place in another folder of the same file system."""
    files.sync(source)
    files.rename(source, target)
    files.sync_folder(target.parent)
    files.sync_folder(source.parent)


def make_folders(files: Files, *folders: Path) -> None:
    """Each of them, synced into the folder above it; nothing if they are there."""
    for folder in folders:
        if not folder.is_dir():
            files.make_folder(folder)
            files.sync_folder(folder.parent)


def _sync(path: Path, flags: int) -> None:
    descriptor = os.open(path, flags)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
