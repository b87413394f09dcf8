"""What runs in the child process: one request from standard input, answers to standard output."""

import contextlib
import ctypes
import json
import os
import resource
import signal
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO, Final

_NICE: Final = 10
_DIE_FIRST: Final = "500"
_CPU_S: Final = 900
_PR_SET_PDEATHSIG: Final = 1


class Parent:
    """The agent, as the child sees it."""

    def __init__(self, reads: BinaryIO, writes: BinaryIO) -> None:
        self._reads, self._writes = reads, writes

    def say(self, **plain: Any) -> None:
        """One line."""
        self._writes.write(json.dumps(plain).encode() + b"\n")
        self._writes.flush()

    def hear(self) -> dict[str, Any]:
        """One line; the parent has gone if there is none."""
        line = self._reads.readline()
        if not line:
            sys.exit(1)
        plain: dict[str, Any] = json.loads(line)
        return plain

    def take(self, size_bytes: int) -> bytes:
        """So many bytes after a line."""
        content = self._reads.read(size_bytes)
        if len(content) != size_bytes:
            sys.exit(1)
        return content


def main() -> None:
    """Do what the parent asks, at low priority; what fails is said, not raised."""
    parent = Parent(sys.stdin.buffer, _only_ours())
    _step_back()
    request = parent.hear()
    try:
        parent.say(answer=_do(request, parent))
    except MemoryError:
        parent.say(refused="takes more memory than it may")
    except Exception as error:
        parent.say(failed=f"{type(error).__name__}: {error}"[:400])


def _do(request: Mapping[str, Any], parent: Parent) -> Mapping[str, Any]:
    # Each imports much; a child needs only one of them.
    if request["errand"] == "look":
        from edge_agent.update.look import look

        return look(request, parent)
    from edge_agent.update.trial import trial

    return trial(request, parent)


def _only_ours() -> BinaryIO:
    """Standard output for our lines alone: what libraries print goes where errors go."""
    ours = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    return ours


def _step_back() -> None:
    """Let the agent go first; go first ourselves where memory runs out; and do not outlive the agent."""
    with contextlib.suppress(OSError):
        os.nice(_NICE)
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text(_DIE_FIRST)
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        resource.setrlimit(resource.RLIMIT_CPU, (_CPU_S, _CPU_S))
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


if __name__ == "__main__":
    main()
