"""Windows around steps that are worth a look, cut from what no detection has. Pure.

Detections come first: their windows are the same with picks and without. A pick therefore waits until
no detection can reach back into it, and gives way to one that does.
"""

from collections import deque
from dataclasses import dataclass
from typing import Final

from contract.detector import HOLD_S
from edge_agent.windows import (
    EVERYTHING_S,
    LONGEST_S,
    AroundDetections,
    Cutter,
    Everything,
    Nothing,
    Slice,
    Window,
    join,
)

RANKS: Final = ("random", "uncertain", "near_miss", "disagreement")
"""Reasons of picks; where two want the same step, the later one here has it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    """A window that is to be cut: its first and last step."""

    reason: str
    first: int
    last: int


class DetectionsFirst:
    """Policy ``results+features``: windows around detections, and around suggestions without one."""

    def __init__(
        self, detections: AroundDetections, *, before_steps: int, after_steps: int, settle_steps: int
    ) -> None:
        """``settle_steps`` after its last step no detection can reach into a window any more."""
        self._detections = detections
        self._before, self._after, self._settle = before_steps, after_steps, settle_steps
        self._past: deque[Slice] = deque(maxlen=before_steps + after_steps + settle_steps + 1)
        """Steps that are in no window yet."""
        self._places: list[_Place] = []
        """In order, none overlapping another."""
        self._free_from = 0
        """Steps from here on are in no window and no place."""
        self._now = -1

    def feed(self, part: Slice) -> list[Window]:
        """The windows that are complete with one more step."""
        self._now = part.index
        windows = self._detections.feed(part)
        if windows or self._detections.open_from is not None:
            self._free_from = part.index + 1
        else:
            self._past.append(part)
        return windows + self._cut(self._now - self._settle)

    def mark(self, sequence: int, back_steps: int) -> list[Window]:
        """Open a window around the detection; the places that it reaches into are given up."""
        windows = self._detections.mark(sequence, back_steps)
        first = self._detections.open_from
        if first is not None:
            self._places = [place for place in self._places if place.last < first]
            while self._past and self._past[-1].index >= first:
                self._past.pop()
        self._free_from = self._now + 1
        return windows

    def suggest(self, reason: str, back_steps: int) -> None:
        """Make a place around the step, unless it has one for as good a reason."""
        step = self._now - back_steps
        newest = self._places[-1] if self._places else None
        if newest is not None and newest.first <= step <= newest.last:
            if RANKS.index(reason) <= RANKS.index(newest.reason):
                return
            self._places.pop()
            self._free_from = newest.first
        if step < self._free_from or not self._past or step < self._past[0].index:
            return
        place = _Place(
            reason=reason, first=max(step - self._before, self._free_from), last=step + self._after
        )
        self._places.append(place)
        self._free_from = place.last + 1

    def flush(self) -> list[Window]:
        """What is open, and each place as far as it has come."""
        windows = self._detections.flush() + self._cut(self._now + self._after)
        self._past.clear()
        self._free_from = 0
        return windows

    def _cut(self, through: int) -> list[Window]:
        """The windows of the places that end by this step."""
        windows = []
        while self._places and self._places[0].last <= through:
            place = self._places.pop(0)
            parts = [part for part in self._past if place.first <= part.index <= place.last]
            while self._past and self._past[0].index <= place.last:
                self._past.popleft()
            self._detections.give_up(place.last)
            windows.append(join(parts, place.reason))
        return windows


def make_cutter(policy: str, *, before_s: float, after_s: float, step_s: float) -> Cutter:
    """The cutter of a publishing policy."""
    if policy == "results":
        return Nothing()
    if policy == "all":
        return Everything(round(EVERYTHING_S / step_s))
    longest = int(LONGEST_S / step_s)
    before = round(before_s / step_s)
    # After a detection no frame may be missing, so the time after it is rounded up.
    after = -int(-after_s // step_s)
    return DetectionsFirst(
        AroundDetections(before, after, longest),
        before_steps=min(before, longest // 2),
        after_steps=min(after, longest // 2 - 1),
        settle_steps=before + round(HOLD_S / step_s) + 1,
    )
