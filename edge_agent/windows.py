"""Which frames are published: windows cut from the stream of steps. Pure. No frame is in two windows."""

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

    reason: str
    """One of ``contract.messages.FEATURE_REASONS``."""
    detection: int | None
    """Sequence of the first detection within it, if any."""
    first_step: int
    """Which step of its stream it begins with."""
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

    @property
    def last_step(self) -> int:
        """Which step of its stream it ends with."""
        return self.first_step + len(self.posteriors) - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Slice:
    """The frames of one step, (step frames, mel bins), its posteriors, (labels,), and when it ended."""

    index: int
    """Its number in its stream."""
    frames: NDArray[np.int8]
    posteriors: NDArray[np.float32]
    end_s: float


class Cutter(Protocol):
    """A policy of what to publish."""

    def feed(self, part: Slice) -> list[Window]:
        """The windows that are complete with one more step."""

    def mark(self, sequence: int, back_steps: int) -> list[Window]:
        """A detection with this sequence began ``back_steps`` before the step fed last."""

    def suggest(self, reason: str, back_steps: int) -> None:
        """The step ``back_steps`` before the one fed last is worth a window, if no detection has it."""

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

    def suggest(self, reason: str, back_steps: int) -> None:
        """Nothing to remember."""

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

    def suggest(self, reason: str, back_steps: int) -> None:
        """Every frame is sent anyway."""

    def flush(self) -> list[Window]:
        """What has come since the last window."""
        parts, self._open = self._open, []
        return [join(parts, "all")] if parts else []


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
        return [join(parts, "detection", first)] if parts else []

    @property
    def open_from(self) -> int | None:
        """The step that the open window begins with, if one is open."""
        return self._open[0].index if self._open else None

    def give_up(self, through: int) -> None:
        """The steps up to this one have left in other windows: none is to begin there."""
        while self._past and self._past[0].index <= through:
            self._past.popleft()

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
        return [join(done, "detection", first)]


def join(parts: list[Slice], reason: str, detection: int | None = None) -> Window:
    """Consecutive steps, at least one, as a window."""
    return Window(
        reason=reason,
        detection=detection,
        first_step=parts[0].index,
        end_s=parts[-1].end_s,
        frames=np.concatenate([part.frames for part in parts]),
        posteriors=np.stack([part.posteriors for part in parts]),
    )
