"""Files that are there whole or not at all, also after a power cut."""

import errno
import os
from pathlib import Path
from typing import BinaryIO, Final

_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


def open_new(path: Path) -> BinaryIO:
    """A file that was not there."""
    return path.open("xb")


def sync(file: BinaryIO) -> None:
    """Let what was written outlive a power cut."""
    file.flush()
    os.fsync(file.fileno())


def sync_folder(path: Path) -> None:
    """Let the entries of a folder outlive a power cut."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def in_words(error: OSError) -> str:
    """Why a file could not be written."""
    if error.errno in _FULL:
        return f"the disk is full ({error.strerror})"
    return str(error.strerror or error)
