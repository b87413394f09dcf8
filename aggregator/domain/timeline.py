"""One line of time from windows that overlap, touch or leave gaps. Pure."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from contract.audio import FRAMES_PER_S

SLACK_FRAMES: Final = 2
"""Clocks tell a window's start to some milliseconds: so little is no gap."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Stretch:
    """The frames of one stored window."""

    start_s: float
    frontend_digest: str
    frames: NDArray[np.int8]
    """(T, mel bins)"""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Piece:
    """What follows on the line: nothing for some frames, then frames that are next to each other."""

    silent_frames: int
    frames: NDArray[np.int8]
    begins: bool
    """Whether the frames do not go on from those before: after a gap, or of another front end."""


def line_up(stretches: Iterable[Stretch], since_s: float, until_s: float) -> Iterator[Piece]:
    """Pieces without overlap from ``stretches`` in the order of their starts.

    The line begins with the first frame at or after ``since_s``, and nothing of it begins at or after
    ``until_s``. Each moment is heard once: of two windows that hold it, the earlier one counts.
    """
    placed, digest = 0, None
    for one in stretches:
        at = round((one.start_s - since_s) * FRAMES_PER_S)
        gap = at - placed if digest is not None else max(at, 0)
        begins = gap > SLACK_FRAMES or digest != one.frontend_digest
        silent = max(gap, 0) if begins else 0
        skipped = max(placed - at, 0)
        room = round((until_s - since_s) * FRAMES_PER_S) - placed - silent
        frames = one.frames[skipped:][: max(room, 0)]
        if len(frames):
            yield Piece(silent_frames=silent, frames=frames, begins=begins)
            placed, digest = placed + silent + len(frames), one.frontend_digest
