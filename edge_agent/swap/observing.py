"""Collects what probation judges: posteriors, detections and cost of a model and of the one before. Pure."""

import math
from collections import Counter
from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from contract.manifest import is_target
from edge_agent.pipeline import Step
from edge_agent.swap.heard import heard
from edge_agent.swap.matching import Matcher
from edge_agent.swap.probation import Observed, Reference

_ROUNDING: Final = 1e-3
_RANGE_S: Final = 5.0


class Range:
    """Lowest and highest posterior of each label."""

    def __init__(self, labels: int) -> None:
        self.rows = 0
        self._low: NDArray[np.float32] = np.full(labels, np.inf, np.float32)
        self._high: NDArray[np.float32] = np.full(labels, -np.inf, np.float32)

    def add(self, row: NDArray[np.float32]) -> None:
        """One more, (labels,)."""
        self.rows += 1
        self._low, self._high = np.minimum(self._low, row), np.maximum(self._high, row)

    @staticmethod
    def spread(ranges: Sequence["Range"]) -> float:
        """Of several together, for the label where it is largest; 0 if they hold nothing."""
        low = np.min([one._low for one in ranges], axis=0)
        high = np.max([one._high for one in ranges], axis=0)
        return max(0.0, float((high - low).max()))


class Answers:
    """The posteriors of one model."""

    def __init__(self, labels: Sequence[str], step_s: float) -> None:
        self.labels, self.step_s = tuple(labels), step_s
        self.steps = self.broken = 0
        self.stirred = 0.0
        """Highest posterior of any label that can be detected."""
        self._targets = [column for column, label in enumerate(labels) if is_target(label)]
        self.found: Counter[str] = Counter()
        self.level_low_dbfs, self.level_high_dbfs = math.inf, -math.inf
        self._ranges = [Range(len(labels)), Range(len(labels))]
        """Of the latest posteriors, and of those before."""

    def add(self, steps: Sequence[Step]) -> None:
        """More steps."""
        for step in steps:
            self.steps += 1
            row = step.posteriors
            if np.isfinite(row).all() and row.min() >= -_ROUNDING and row.max() <= 1 + _ROUNDING:
                self._widen(row)
                self.stirred = max(self.stirred, float(row[self._targets].max(initial=0.0)))
            else:
                self.broken += 1
            self.level_low_dbfs = min(self.level_low_dbfs, step.level_dbfs)
            self.level_high_dbfs = max(self.level_high_dbfs, step.level_dbfs)
            self.found.update(found.label for found in step.found)

    @property
    def spread(self) -> float:
        """Of the label whose posterior moved most in the last five to ten seconds."""
        return Range.spread(self._ranges)

    def _widen(self, row: NDArray[np.float32]) -> None:
        if self._ranges[0].rows * self.step_s >= _RANGE_S:
            self._ranges = [Range(len(self.labels)), self._ranges[0]]
        self._ranges[0].add(row)


class Observer:
    """A candidate in service, and the model before beside it if there is one."""

    def __init__(self, labels: Sequence[str], step_s: float, before: Answers | None) -> None:
        self.candidate, self._before = Answers(labels, step_s), before
        self._matcher = Matcher()
        self._both = self._lost = 0
        self._heard_s = 0.0
        self._end_s = self._before_end_s = -math.inf
        """Up to when each of them has answered."""

    def add(self, steps: Sequence[Step], before: Sequence[Step], seconds: float) -> None:
        """What both made of so many more seconds of sound."""
        self._heard_s += seconds
        self.candidate.add(steps)
        if self._before is not None:
            self._before.add(before)
            self._match(self._before, steps, before)

    def interrupt(self) -> None:
        """Sound is missing here."""
        self._matcher.clear()

    def forget_reference(self) -> None:
        """The model before hears nothing any more."""
        self._before = None

    def observed(
        self, *, cost: float | None, before_cost: float | None, behind_s: float, unconnected_s: float
    ) -> Observed:
        """All of it until now."""
        mine = self.candidate
        return Observed(
            heard_s=self._heard_s, answered_s=mine.steps * mine.step_s, steps=mine.steps, broken=mine.broken,
            spread=mine.spread, stirred=mine.stirred,
            level_range_db=max(0.0, mine.level_high_dbfs - mine.level_low_dbfs),
            cost=cost, before_cost=before_cost, found=mine.found, reference=self._reference(),
            behind_s=behind_s, unconnected_s=unconnected_s,
        )  # fmt: skip

    def _reference(self) -> Reference | None:
        before = self._before
        if before is None:
            return None
        return Reference(
            labels=before.labels, spread=before.spread, found=before.found, both=self._both, lost=self._lost
        )

    def _match(self, reference: Answers, steps: Sequence[Step], before: Sequence[Step]) -> None:
        mine = [heard(step, found, self.candidate.step_s) for step in steps for found in step.found]
        other = [heard(step, found, reference.step_s) for step in before for found in step.found]
        self._end_s = steps[-1].end_s if steps else self._end_s
        self._before_end_s = before[-1].end_s if before else self._before_end_s
        for match in self._matcher.feed(other, mine, min(self._end_s, self._before_end_s)):
            if match.heard.label in self.candidate.labels and match.heard.label in reference.labels:
                self._both += match.kind == "both"
                self._lost += match.kind == "lost"
