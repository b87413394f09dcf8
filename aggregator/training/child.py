"""One run of the factory as a child process: its lines are heard, its limits kept, its end made sure."""

import json
import logging
import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import IO, Any, Final

from aggregator.training import processes

POLL_S: Final = 0.25
GRACE_S: Final = 4.0
"""Between being asked to end and being killed; our own supervisor gives us hardly more."""
TAIL_BYTES: Final = 4000
LONGEST_LINE_BYTES: Final = 64_000
_OUR_SETTINGS: Final = "SOUNDPOST_"
_OUT_OF_MEMORY: Final = ("MemoryError", "bad_alloc", "Cannot allocate memory", "out of memory", "OOM when")
_NEAR: Final = 0.95

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """What a run may take."""

    memory_bytes: int
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How a run ended."""

    status: int
    """Exit status; negative: the signal that ended it."""
    wanted: bool
    """Whether it was asked to end."""
    timed_out: bool
    out_of_memory: bool
    tail: str
    """The end of what it said."""


def run(
    command: Sequence[str],
    bounds: Bounds,
    *,
    line: Callable[[Any], None],
    end_wanted: Callable[[], bool],
    started: Callable[[int, int | None], None],
) -> Outcome:
    """Run ``command`` to its end.

    ``line`` is given each line of its output that is JSON, ``started`` its process id and when that began;
    ``end_wanted`` is asked several times a second. Call it from a thread that lives as long as the child: the
    kernel ends the child with that thread.
    """
    launch = [sys.executable, "-m", "aggregator.training.launch"]
    words = [*launch, str(os.getpid()), str(bounds.memory_bytes), *command]
    with subprocess.Popen(
        words,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
        env=environment(os.environ),
    ) as process:
        started(process.pid, processes.start_ticks(process.pid))
        try:
            return _Watch(process, bounds, line, end_wanted).until_end()
        finally:
            # Also what the child has started itself, and also if we leave with an error.
            processes.signal_group(process.pid, signal.SIGKILL)


def environment(ours: Mapping[str, str]) -> dict[str, str]:
    """What the child may know: nothing of our settings, which hold passwords."""
    kept = {name: value for name, value in ours.items() if not name.startswith(_OUR_SETTINGS)}
    return kept | {"PYTHONUNBUFFERED": "1"}


class _Watch:
    """Listens to one process until it has ended."""

    def __init__(
        self,
        process: "subprocess.Popen[bytes]",
        bounds: Bounds,
        line: Callable[[Any], None],
        end_wanted: Callable[[], bool],
    ) -> None:
        self._process = process
        self._bounds = bounds
        self._line = line
        self._end_wanted = end_wanted
        self._buffer = b""
        self._tail = b""
        self._largest_bytes = 0
        self._wanted = self._timed_out = False
        self._kill_s: float | None = None

    def until_end(self) -> Outcome:
        deadline_s = time.monotonic() + self._bounds.seconds
        with selectors.DefaultSelector() as selector:
            for pipe in (self._process.stdout, self._process.stderr):
                assert pipe is not None  # noqa: S101
                os.set_blocking(pipe.fileno(), False)
                selector.register(pipe, selectors.EVENT_READ)
            while self._process.poll() is None:
                self._hear(selector, POLL_S)
                self._look(deadline_s)
            self._hear(selector, 0.0)
        return self._outcome()

    def _hear(self, selector: selectors.BaseSelector, timeout_s: float) -> None:
        if not selector.get_map():
            time.sleep(timeout_s)
            return
        for key, _ in selector.select(timeout_s):
            pipe: Any = key.fileobj
            while content := _read(pipe):
                if pipe is self._process.stdout:
                    self._take(content)
                else:
                    self._keep(content)
            if content is not None:
                selector.unregister(pipe)

    def _take(self, content: bytes) -> None:
        *lines, self._buffer = (self._buffer + content).split(b"\n")
        if len(self._buffer) > LONGEST_LINE_BYTES:
            self._keep(self._buffer)
            self._buffer = b""
        for words in lines:
            try:
                plain = json.loads(words)
            except (ValueError, RecursionError):
                self._keep(words + b"\n")
            else:
                self._line(plain)

    def _keep(self, content: bytes) -> None:
        self._tail = (self._tail + content)[-TAIL_BYTES:]

    def _look(self, deadline_s: float) -> None:
        self._largest_bytes = max(self._largest_bytes, processes.data_bytes(self._process.pid))
        now_s = time.monotonic()
        if self._kill_s is not None:
            if now_s >= self._kill_s:
                processes.signal_group(self._process.pid, signal.SIGKILL)
            return
        self._wanted = self._end_wanted()
        self._timed_out = not self._wanted and now_s >= deadline_s
        if self._wanted or self._timed_out:
            _log.info("process %d is asked to end", self._process.pid)
            processes.signal_group(self._process.pid, signal.SIGTERM)
            self._kill_s = now_s + GRACE_S

    def _outcome(self) -> Outcome:
        tail = self._tail.decode(errors="replace").strip()
        status = self._process.returncode
        full = self._largest_bytes >= _NEAR * self._bounds.memory_bytes
        full = full or any(word in tail for word in _OUT_OF_MEMORY)
        asked = self._wanted or self._timed_out
        return Outcome(
            status=status,
            wanted=self._wanted,
            timed_out=self._timed_out,
            out_of_memory=status != 0
            and not asked
            and (full or any(word in tail for word in _OUT_OF_MEMORY)),
            tail=tail,
        )


def _read(pipe: IO[bytes]) -> bytes | None:
    """What the pipe holds: nothing at its end, None while it is only empty."""
    try:
        return os.read(pipe.fileno(), 65_536)
    except BlockingIOError:
        return None
