"""Files that are there whole or not at all, also after a power cut."""

import errno
import os
import secrets
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


def make_folder(path: Path, mode: int = 0o750) -> None:
    """Let a folder be there. What root makes belongs to whoever owns the folder that it is made in."""
    if path.is_dir():
        return
    make_folder(path.parent, mode)
    path.mkdir(mode=mode, exist_ok=True)
    hand_to_owner(path)


def replace(path: Path, content: bytes, *, mode: int = 0o644) -> None:
    """Let ``path`` hold ``content``: what was there, or this, but never a part. Its folder is made."""
    make_folder(path.parent)
    draft = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    try:
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            sync(file)
        hand_to_owner(draft)
        draft.replace(path)
        sync_folder(path.parent)
    finally:
        draft.unlink(missing_ok=True)


def hand_to_owner(path: Path) -> None:
    """A command that an administrator gives must not lock out the service's own user."""
    if os.geteuid() == 0:
        owner = path.parent.stat()
        os.chown(path, owner.st_uid, owner.st_gid)
