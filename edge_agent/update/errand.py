"""A child process that does one thing for the agent and cannot harm it: talked to in lines of JSON."""

import json
import os
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Final, Self

from edge_agent.errors import UpdateError

CHILD: Final = "edge_agent.update.child"
_NAP_S: Final = 0.2
_LINE_BYTES: Final = 1_000_000


class ErrandError(UpdateError):
    """The child ended or was ended before it had answered; the text says how."""


class Errand:
    """One child; it is gone, whatever it does, when the block ends."""

    def __init__(self, request: Mapping[str, Any], *, time_s: float, stop: threading.Event) -> None:
        self._request, self._stop = request, stop
        self._time_s = time_s
        self._deadline_s = time.monotonic() + time_s
        self._rest = b""

    def __enter__(self) -> Self:
        try:
            self._child = subprocess.Popen(
                [sys.executable, "-m", CHILD], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL, bufsize=0, start_new_session=True,
                env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},
            )  # fmt: skip
        except OSError as error:
            raise ErrandError(f"no child process can be started: {error.strerror or error}") from error
        self.send(self._request)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._child.kill()
        self._child.wait()
        for pipe in (self._child.stdin, self._child.stdout):
            if pipe is not None:
                pipe.close()

    def send(self, plain: Mapping[str, Any], content: bytes = b"") -> None:
        """A line, and bytes after it."""
        assert self._child.stdin is not None  # noqa: S101
        view = memoryview(json.dumps(plain).encode() + b"\n" + content)
        try:
            while view:
                view = view[os.write(self._child.stdin.fileno(), view) :]
        except OSError:
            # How it ended is said by whoever waits for its answer.
            return

    def receive(self) -> Mapping[str, Any]:
        """Its next line; ``ErrandError`` if it ends, takes too long, talks nonsense or is not wanted."""
        while b"\n" not in self._rest:
            self._rest += self._read()
            if len(self._rest) > _LINE_BYTES:
                raise ErrandError("talked without end")
        line, _, self._rest = self._rest.partition(b"\n")
        try:
            plain = json.loads(line)
        except ValueError as error:
            raise ErrandError("gave an answer that cannot be read") from error
        if not isinstance(plain, dict):
            raise ErrandError("gave an answer that cannot be read")
        return plain

    def _read(self) -> bytes:
        assert self._child.stdout is not None  # noqa: S101
        while not self._stop.is_set():
            left_s = self._deadline_s - time.monotonic()
            if left_s <= 0:
                raise ErrandError(f"did not end within {self._time_s:g} s")
            if select.select([self._child.stdout], [], [], min(left_s, _NAP_S))[0]:
                content = os.read(self._child.stdout.fileno(), 65_536)
                if not content:
                    raise ErrandError(_ending(self._child.wait()))
                return content
        raise ErrandError("was interrupted")


def _ending(code: int) -> str:
    if code >= 0:
        return f"ended with exit code {code}"
    if -code == signal.SIGKILL:
        return "was killed, perhaps because this node has too little memory"
    try:
        return f"crashed ({signal.Signals(-code).name})"
    except ValueError:
        return f"crashed (signal {-code})"
