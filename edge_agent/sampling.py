"""Which steps are worth a window although nothing was detected: near misses, doubt, chance. Pure."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from contract.detector import HOLD_S
from contract.manifest import is_target
from contract.sampling import Sampling
from edge_agent.moments import Moments

REST_S: Final = 10.0
"""Pause between two suggestions for one reason: they shall come from the whole day, not one minute."""
SOUND_DB: Final = 6.0
"""A step this far above the noise floor is sound."""
FLOOR_RISE_DB_PER_S: Final = 1.0
"""How fast the noise floor follows when it has become louder; when softer, at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Suggestion:
    """The step ``back_steps`` before the latest is worth a window."""

    reason: str
    back_steps: int


@dataclass(slots=True)
class _Target:
    """A label that may be detected, and its rise above the low threshold, if it is in one."""

    index: int
    threshold: float
    peak: float = 0.0
    age_steps: int = 0
    """Steps since the peak."""
    told: bool = False


class NearMisses:
    """Peaks of a target's averaged posterior between the low threshold and its own.

    A rise is told once: when the average has not been higher for ``HOLD_S``, or has fallen below the low one.
    """

    def __init__(
        self, labels: Sequence[str], thresholds: Mapping[str, float], low: float, step_s: float
    ) -> None:
        self._low, self._hold_steps = low, round(HOLD_S / step_s)
        self._targets = [
            _Target(index, thresholds[name])
            for index, name in enumerate(labels)
            if low < thresholds.get(name, 1.0) < 1.0
        ]

    def feed(self, average: Sequence[float]) -> int | None:
        """How many steps ago a near miss was, if one is certain with this step."""
        backs = [self._judge(target, average[target.index]) for target in self._targets]
        return min((back for back in backs if back is not None), default=None)

    def _judge(self, target: _Target, value: float) -> int | None:
        if value < self._low and target.peak == 0.0:
            return None
        target.age_steps += 1
        if value > target.peak:
            target.peak, target.age_steps = value, 0
            # From here on it is the detector's.
            target.told = target.told or value >= target.threshold
        over = value < self._low
        back = target.age_steps
        due = not target.told and (over or back >= self._hold_steps)
        target.told = target.told or due
        if over:
            target.peak, target.age_steps, target.told = 0.0, 0, False
        return min(back, self._hold_steps) if due else None


class Uncertainty:
    """Sound that the model cannot place: for ``HOLD_S`` the two best averaged posteriors were close, one of
    them a target's, or the entropy was high."""

    def __init__(self, labels: Sequence[str], sampling: Sampling, step_s: float) -> None:
        self._targets = [is_target(label) for label in labels]
        self._margin, self._entropy = sampling.uncertain_margin, sampling.uncertain_entropy
        self._lasting_steps = max(1, round(HOLD_S / step_s))
        self._step_s = step_s
        self._floor_dbfs = math.inf
        self._count = 0

    def feed(self, average: Sequence[float], level_dbfs: float) -> bool:
        """Whether it has been so long enough; ``level_dbfs`` is that of the step alone."""
        self._floor_dbfs = min(level_dbfs, self._floor_dbfs + FLOOR_RISE_DB_PER_S * self._step_s)
        heard = level_dbfs >= self._floor_dbfs + SOUND_DB
        self._count = self._count + 1 if heard and self._torn(average) else 0
        return self._count >= self._lasting_steps

    def _torn(self, average: Sequence[float]) -> bool:
        # The average begins at nothing, which is not yet an answer.
        if len(average) < 2 or sum(average) < 0.5:
            return False
        best, second = sorted(range(len(average)), key=average.__getitem__)[-2:]
        near = abs(average[best] - average[second]) < self._margin
        return (near and (self._targets[best] or self._targets[second])) or entropy(average) > self._entropy


class Sampler:
    """Suggestions from one stream of steps, each reason with pauses, none that its budget switches off."""

    def __init__(
        self,
        sampling: Sampling,
        labels: Sequence[str],
        thresholds: Mapping[str, float],
        *,
        step_s: float,
        seed: str,
    ) -> None:
        public = {name: value for name, value in thresholds.items() if name not in sampling.private}
        self._near = NearMisses(labels, public, sampling.near_miss_low, step_s)
        self._uncertainty = Uncertainty(labels, sampling, step_s)
        self._moments = Moments(seed, sampling.random_per_hour)
        self._budgets = {
            "near_miss": sampling.near_miss_bytes_per_day,
            "uncertain": sampling.uncertain_bytes_per_day,
            "random": sampling.random_bytes_per_day,
        }
        self._rest_steps = round(REST_S / step_s)
        self._resting: dict[str, int] = {}
        """Reason → step from which it may be suggested again."""
        self._step = -1

    def feed(self, average: Sequence[float], level_dbfs: float, end_s: float) -> list[Suggestion]:
        """What is worth a window with one more step: its averaged posteriors, its level, when it ended."""
        self._step += 1
        near = self._near.feed(average)
        found = {
            "near_miss": near,
            "uncertain": 0 if self._uncertainty.feed(average, level_dbfs) else None,
            "random": 0 if self._moments.feed(end_s) else None,
        }
        return [
            Suggestion(reason=reason, back_steps=back)
            for reason, back in found.items()
            if back is not None and self._may(reason)
        ]

    def _may(self, reason: str) -> bool:
        if not self._budgets[reason] or self._step < self._resting.get(reason, 0):
            return False
        if reason != "random":
            self._resting[reason] = self._step + self._rest_steps
        return True


def entropy(posteriors: Sequence[float]) -> float:
    """Entropy of posteriors, at least two, as a part of the largest possible.

    >>> entropy([0.25] * 4), entropy([1.0, 0.0])
    (1.0, 0.0)
    """
    total = sum(posteriors)
    shares = [value / total for value in posteriors if value > 0]
    return abs(sum(share * math.log(share) for share in shares)) / math.log(len(posteriors))
