"""Work that only one process of those over a data folder does at a time."""

import fcntl
import os
from pathlib import Path

from aggregator.errors import StoreError
from aggregator.services.background import Steps


class Alone:
    """Takes steps once nobody else does, until its process ends, however that happens."""

    def __init__(self, work: Steps, path: Path) -> None:
        """``path`` is a file that those who do such work lock."""
        self._work, self._path = work, path
        self._locked: int | None = None

    def step(self) -> bool:
        """A step of the work, or nothing while another process does it."""
        return self._alone() and self._work.step()

    def _alone(self) -> bool:
        if self._locked is None:
            try:
                self._locked = _lock(self._path, os.O_RDWR | os.O_CREAT)
            except OSError as error:
                raise StoreError(f"{self._path}: {error.strerror or error}") from error
        return self._locked is not None


def is_done(path: Path) -> bool:
    """Whether some process does such work now."""
    try:
        # Not made here: it must belong to the user of those who do the work.
        locked = _lock(path, os.O_RDONLY)
    except OSError:
        return False
    if locked is None:
        return True
    os.close(locked)
    return False


def _lock(path: Path, flags: int) -> int | None:
    """The locked file; None: another process has locked it."""
    opened = os.open(path, flags | os.O_CLOEXEC, 0o640)
    try:
        fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(opened)
        return None
    return opened
