"""Posteriors become detections: average, threshold, refractory time. Pure.

The node decides with it, and the factory counts with it what a node would have reported.

A label is heard from the step at which its average reaches the threshold until it falls below. It is
reported once, as soon as the average has passed its peak, at the latest ``HOLD_S`` after it rose; then the
label is silent until ``refractory_s`` after it fell.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

HOLD_S: Final = 0.3
"""Longest wait for a higher posterior before a detection is reported."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A detection, in steps of its stream."""

    label: str
    posterior: float
    """Highest average between ``start_step`` and ``end_step``."""
    threshold: float
    start_step: int
    """The step at which the average reached the threshold."""
    end_step: int
    """The last step that the report rests on."""


@dataclass(slots=True)
class _Label:
    name: str
    index: int
    threshold: float
    start: int = -1
    peak: float = 0.0
    heard: bool = False
    reported: bool = False
    silent_until: int = -1


class Detector:
    """One stream of posteriors, step by step.

    ``thresholds`` names the labels that may be detected; one of 1 or more switches its label off.
    """

    def __init__(
        self,
        labels: Sequence[str],
        thresholds: Mapping[str, float],
        *,
        smoothing_s: float,
        refractory_s: float,
        step_s: float,
    ) -> None:
        self._labels = [
            _Label(name, index, thresholds[name])
            for index, name in enumerate(labels)
            if thresholds.get(name, 1.0) < 1.0
        ]
        self._weight = 1.0 if smoothing_s <= 0 else 1.0 - math.exp(-step_s / smoothing_s)
        self._refractory_steps = round(refractory_s / step_s)
        self._hold_steps = round(HOLD_S / step_s)
        self._average = [0.0] * len(labels)
        self._step = -1

    @property
    def average(self) -> tuple[float, ...]:
        """The averaged posteriors now, (labels,)."""
        return tuple(self._average)

    def feed(self, posteriors: Sequence[float]) -> list[Found]:
        """What is to be reported after one more step; ``posteriors`` is (labels,).

        >>> detector = Detector(["a"], {"a": 0.5}, smoothing_s=0, refractory_s=1, step_s=0.1)
        >>> [len(detector.feed([p])) for p in (0.1, 0.7, 0.9, 0.2, 0.9)]
        [0, 0, 0, 1, 0]
        """
        self._step += 1
        weight, keep = self._weight, 1.0 - self._weight
        # A NaN would stay in the average for ever.
        fresh = posteriors if math.isfinite(sum(posteriors)) else [_finite(value) for value in posteriors]
        self._average = [keep * old + weight * new for old, new in zip(self._average, fresh, strict=True)]
        averages = self._average
        found = [self._judge(label, averages[label.index]) for label in self._labels]
        return [detection for detection in found if detection is not None]

    def finish(self) -> list[Found]:
        """What is still unreported when the stream ends."""
        return [self._report(label) for label in self._labels if label.heard and not label.reported]

    def _judge(self, label: _Label, value: float) -> Found | None:
        if not label.heard:
            if value < label.threshold or self._step < label.silent_until:
                return None
            label.heard, label.reported, label.start, label.peak = True, False, self._step, value
            return self._report(label) if self._hold_steps == 0 else None
        falling = value < label.peak
        label.peak = max(label.peak, value)
        due = not label.reported and (falling or self._step - label.start >= self._hold_steps)
        found = self._report(label) if due else None
        if value < label.threshold:
            label.heard = False
            label.silent_until = self._step + self._refractory_steps
        return found

    def _report(self, label: _Label) -> Found:
        label.reported = True
        return Found(
            label=label.name,
            posterior=min(1.0, label.peak),
            threshold=label.threshold,
            start_step=label.start,
            end_step=self._step,
        )


def _finite(value: float) -> float:
    if math.isnan(value):
        return 0.0
    return min(1.0, max(0.0, value))
