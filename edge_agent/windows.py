"""Which frames are published: windows cut from the stream of steps. Pure. Each frame is sent once at most."""

from collections import deque
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from contract.audio import HOP_MS

LONGEST_S: Final = 10.0
"""Length at which a window is cut, however many detections keep it open."""
EVERYTHING_S: Final = 5.0
"""Length of the windows of policy ``all``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """Consecutive frames with their posteriors."""

    detection: int | None
    """Sequence of the first detection within it, if any."""
    end_s: float
    """When its last hop ended, seconds since 1970."""
    frames: NDArray[np.int8]
    """(frames, mel bins)"""
    posteriors: NDArray[np.float32]
    """(steps, labels)"""

    @property
    def start_s(self) -> float:
        """When its first hop began, seconds since 1970."""
        return self.end_s - len(self.frames) * HOP_MS / 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Slice:
    """The frames of one step, (step frames, mel bins), its posteriors, (labels,), and when it ended."""

    frames: NDArray[np.int8]
    posteriors: NDArray[np.float32]
    end_s: float


class Cutter(Protocol):
    """A policy of what to publish."""

    def feed(self, part: Slice) -> list[Window]:
        """The windows that are complete with one more step."""

    def mark(self, sequence: int, back_steps: int) -> list[Window]:
        """A detection with this sequence began ``back_steps`` before the step fed last."""

    def flush(self) -> list[Window]:
        """What is open; the stream ends or breaks here."""


class Nothing:
    """Policy ``results``: no windows."""

    def feed(self, part: Slice) -> list[Window]:  # noqa: ARG002
        """Nothing."""
        return []

    def mark(self, sequence: int, back_steps: int) -> list[Window]:  # noqa: ARG002
        """Nothing to remember."""
        return []

    def flush(self) -> list[Window]:
        """Nothing."""
        return []


class Everything:
    """Policy ``all``: windows of one length, without a hole."""

    def __init__(self, every_steps: int) -> None:
        self._every = max(1, every_steps)
        self._open: list[Slice] = []

    def feed(self, part: Slice) -> list[Window]:
        """A window whenever enough steps have come."""
        self._open.append(part)
        return self.flush() if len(self._open) >= self._every else []

    def mark(self, sequence: int, back_steps: int) -> list[Window]:  # noqa: ARG002
        """Every frame is sent anyway."""
        return []

    def flush(self) -> list[Window]:
        """What has come since the last window."""
        parts, self._open = self._open, []
        return [_join(parts, None)] if parts else []


class AroundDetections:
    """Policy ``results+features``: a window from before each detection to after it.

    Where two would overlap they meet in the middle between the detections; detections that overlap
    themselves share one window, which names the first.
    """

    def __init__(self, before_steps: int, after_steps: int, longest_steps: int) -> None:
        self._before, self._after, self._longest = before_steps, after_steps, max(2, longest_steps)
        self._past: deque[Slice] = deque(maxlen=self._longest - 1)
        self._open: list[Slice] | None = None
        self._first: int | None = None
        self._told = 0
        self._wait = 0

    def feed(self, part: Slice) -> list[Window]:
        """The window that ends with this step, if one does."""
        if self._open is None:
            self._past.append(part)
            return []
        self._open.append(part)
        self._wait -= 1
        return self.flush() if self._wait <= 0 or len(self._open) >= self._longest else []

    def mark(self, sequence: int, back_steps: int) -> list[Window]:
        """Open a window around the detection; the window before it ends here, if one was open."""
        self._wait = max(self._after, 1)
        closed = self._split(back_steps) if self._open is not None else []
        if self._open is None:
            wanted = min(len(self._past), back_steps + 1 + self._before)
            self._open = list(self._past)[len(self._past) - wanted :]
            self._past.clear()
        if self._first is None:
            self._first = sequence
        self._told = len(self._open)
        return closed

    def flush(self) -> list[Window]:
        """The open window, as far as it has come."""
        parts, first = self._open, self._first
        self._open, self._first = None, None
        self._past.clear()
        return [_join(parts, first)] if parts else []

    def _split(self, back_steps: int) -> list[Window]:
        """End the open window between what it was opened for and a detection that began later."""
        parts = self._open or []
        begin = len(parts) - 1 - back_steps
        if begin <= self._told:
            return []
        # Nothing may lie before either, where the last window ended just now; then one step must do.
        at = max(begin - self._before, (self._told + begin) // 2, 1)
        done, first = parts[:at], self._first
        self._open, self._first = parts[at:], None
        return [_join(done, first)]


def make_cutter(policy: str, *, before_s: float, after_s: float, step_s: float) -> Cutter:
    """The cutter of a publishing policy."""
    if policy == "results":
        return Nothing()
    if policy == "all":
        return Everything(round(EVERYTHING_S / step_s))
    # After a detection no frame may be missing, so the time after it is rounded up.
    after_steps = -int(-after_s // step_s)
    return AroundDetections(round(before_s / step_s), after_steps, int(LONGEST_S / step_s))


def _join(parts: list[Slice], detection: int | None) -> Window:
    return Window(
        detection=detection,
        end_s=parts[-1].end_s,
        frames=np.concatenate([part.frames for part in parts]),
        posteriors=np.stack([part.posteriors for part in parts]),
    )
