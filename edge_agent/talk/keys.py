"""Keys of a terminal as they are pressed."""

import os
import select
import sys
import termios
import tty
from types import TracebackType
from typing import Final, Self

from edge_agent.errors import TalkError

TALK: Final = " \r\n"
LEAVE: Final = "q\x1b\x04"


class Keys:
    """A context manager: within, keys come one by one and are not shown. ``TalkError`` without a terminal."""

    def __enter__(self) -> Self:
        self._terminal = sys.stdin.fileno()
        if not os.isatty(self._terminal):
            raise TalkError("push to talk needs a terminal; give a recording with --in FILE")
        self._before = termios.tcgetattr(self._terminal)
        tty.setcbreak(self._terminal)
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        termios.tcsetattr(self._terminal, termios.TCSADRAIN, self._before)

    def pressed(self) -> str:
        """A key that was pressed, without waiting; empty if none was."""
        if not select.select([self._terminal], [], [], 0)[0]:
            return ""
        return os.read(self._terminal, 1).decode("ascii", "replace") or LEAVE[-1]
