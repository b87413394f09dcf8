"""What capture hands over, and what a source of sound must be able to do."""

from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

BLOCK_S: Final = 0.08
"""Length of a block where the source leaves the choice to us."""
PROMPT_BLOCK_S: Final = 0.02
"""The same on a node that somebody may listen to: there a block's length is a delay that is heard."""
QUIET_S: Final = 2.5
"""A live source without a block for this long has stopped."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """Consecutive samples."""

    samples: NDArray[np.int16]
    """(n,) int16 at 16 kHz"""
    captured_s: float
    """When the last of them was captured, seconds since 1970."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lost:
    """Sound that was not taken; what follows is not a continuation of what came before."""

    reason: str
    """``overrun`` or ``input_lost``, as in a gap message."""
    start_s: float
    end_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """The input has an end, and this is it."""


class Source(Protocol):
    """Sound, once opened. Everything that goes wrong is a ``CaptureError``."""

    live: bool
    """Whether sound is lost when nobody takes it. What is not live waits."""

    def open(self) -> None:
        """Get ready to be read, from the beginning or from now."""

    def read(self) -> Block | Lost | None:
        """The next block, after waiting for it; ``None`` when there will be no more."""

    def close(self) -> None:
        """Give the device or file back, also after ``open`` failed; it may be opened again."""
