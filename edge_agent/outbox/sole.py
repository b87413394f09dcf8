"""One agent for one outbox."""

import fcntl
from pathlib import Path
from typing import IO

from edge_agent.errors import OutboxError


def sole(outbox: Path) -> IO[str]:
    """A lock beside the outbox, held until closed: two agents on one outbox would mix up their messages."""
    lock = _beside(outbox)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        lock.close()
        raise OutboxError(f"another agent is using {outbox}; give each its own [node] state") from error
    return lock


def in_use(outbox: Path) -> bool:
    """Whether an agent holds it now."""
    try:
        sole(outbox).close()
    except OutboxError as error:
        return isinstance(error.__cause__, BlockingIOError)
    return False


def _beside(outbox: Path) -> IO[str]:
    try:
        outbox.parent.mkdir(parents=True, exist_ok=True)
        return outbox.with_name(f"{outbox.name}.lock").open("w")
    except OSError as error:
        raise OutboxError(
            f"{outbox.parent}: {error.strerror or error}; choose another [node] state"
        ) from error
