"""Shows people beside the node that somebody listens: a file such as a GPIO pin's, a program, or both."""

import subprocess
from pathlib import Path
from typing import Final

from edge_agent.errors import EdgeError

_PATIENCE_S: Final = 2.0


class IndicatorError(EdgeError):
    """It cannot be shown that somebody listens."""


class Indicator:
    """A light, or whatever is connected. Without a file and a program nothing is shown."""

    def __init__(self, file: Path | None = None, program: tuple[str, ...] = ()) -> None:
        """``file`` is written ``1`` or ``0``; ``program`` is run with ``on`` or ``off`` as last argument."""
        self._file, self._program = file, program

    def show(self, *, on: bool) -> None:
        """Light it, or put it out; ``IndicatorError`` if that fails."""
        try:
            if self._file is not None:
                self._file.write_text("1\n" if on else "0\n")
            if self._program:
                subprocess.run(
                    [*self._program, "on" if on else "off"],
                    check=True, timeout=_PATIENCE_S, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                )  # fmt: skip
        except (OSError, ValueError, subprocess.SubprocessError) as error:
            raise IndicatorError(f"the indicator does not work: {error}") from error
