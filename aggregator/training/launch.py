"""Becomes the program that trains: of little priority, bounded in memory, gone when its parent is.

Run as ``python -m aggregator.training.launch PARENT MEMORY_BYTES PROGRAM [ARGUMENT ...]``. It is a program of
its own because nothing but a fresh process may safely do this between fork and exec.
"""

import contextlib
import ctypes
import os
import resource
import shutil
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final, NoReturn

NICE: Final = 15
AUTOGROUP: Final = Path("/proc/self/autogroup")
SESSION_NICE: Final = 10
"""Among sessions, a tenth of what another gets: less, and on a busy machine a training would never end."""
_PR_SET_PDEATHSIG: Final = 1
_OOM_SCORE: Final = "500"
"""If memory runs out all the same, this process goes first, not the one that stores."""


def main(words: Sequence[str]) -> NoReturn:
    """Give up what a training must not take from the others, then run it."""
    parent, memory_bytes, *command = words
    _end_with(int(parent))
    _yield_to_others()
    # Writable memory of its own, the only bound that fits: TensorFlow reserves three times as much address
    # space as it uses (RLIMIT_AS), and Linux ignores RLIMIT_RSS.
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_DATA, (int(memory_bytes), int(memory_bytes)))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    ionice = shutil.which("ionice")
    if ionice is not None:
        command = [ionice, "-t", "-c", "3", *command]
    os.execvp(command[0], command)  # noqa: S606 - a list of words, and no shell


def _end_with(parent: int) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    # It may have died before it was asked to take us along.
    if os.getppid() != parent:
        sys.exit(1)


def _yield_to_others() -> None:
    with contextlib.suppress(OSError):
        os.nice(NICE)
    # Where the kernel shares processors between sessions, niceness counts within one; this is one of its own.
    with contextlib.suppress(OSError):
        AUTOGROUP.write_text(str(SESSION_NICE))
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text(_OOM_SCORE)


if __name__ == "__main__":
    main(sys.argv[1:])
