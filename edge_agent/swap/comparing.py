"""What a candidate and the model in service make of the same sound, step by step, sound by sound. Pure."""

import math
from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from edge_agent.pipeline import Step
from edge_agent.swap.heard import Heard, heard
from edge_agent.swap.matching import Match, Matcher
from edge_agent.swap.seam import SEAM_S

_REMEMBERED_S: Final = 15.0
"""Longer than a detection and the time until it is settled."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """A detection that only one of the two made."""

    kind: str
    """``gained`` by the candidate, or ``lost``."""
    heard: Heard
    posterior: float
    """Highest average of the model in service around that time; 0 if it does not know the label."""
    candidate_posterior: float


@dataclass(slots=True)
class Tally:
    """How often they agreed."""

    steps: int = 0
    agreed: int = 0
    both: Counter[str] = field(default_factory=Counter)
    gained: Counter[str] = field(default_factory=Counter)
    lost: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True, slots=True)
class _Answer:
    end_s: float
    top: str
    average: tuple[float, ...]


class Side:
    """One of the two models, and its latest answers."""

    def __init__(self, labels: Sequence[str], step_s: float) -> None:
        self.labels, self.step_s = tuple(labels), step_s
        self.answers: deque[_Answer] = deque(maxlen=max(1, round(_REMEMBERED_S / step_s)))

    @property
    def end_s(self) -> float:
        """Up to when it has answered."""
        return self.answers[-1].end_s if self.answers else -math.inf

    def add(self, steps: Sequence[Step]) -> list[Heard]:
        """More steps; the detections in them."""
        self.answers.extend(
            _Answer(step.end_s, self.labels[int(step.posteriors.argmax())], step.average) for step in steps
        )
        return [heard(step, found, self.step_s) for step in steps for found in step.found]

    def peak(self, one: Heard) -> float:
        """Highest average of the detection's label around its time."""
        if one.label not in self.labels:
            return 0.0
        column = self.labels.index(one.label)
        first_s, last_s = one.start_s - SEAM_S, one.end_s + SEAM_S
        near = (answer.average[column] for answer in self.answers if first_s <= answer.end_s <= last_s)
        return min(1.0, max(near, default=0.0))


class Comparison:
    """Both hear the same sound from ``resume`` to ``pause``."""

    def __init__(self, service: Side, candidate: Side) -> None:
        self._service, self._candidate = service, candidate
        self._matcher = Matcher()
        self._pending: deque[_Answer] = deque()
        self._from_s = math.inf
        self.tally = Tally()

    def resume(self, from_s: float) -> None:
        """From now on the candidate is warm."""
        self._from_s = from_s

    def pause(self) -> None:
        """What is not settled stays open: one of them does not hear on."""
        self._matcher.clear()
        self._pending.clear()
        self._from_s = math.inf

    def feed(
        self, service: Sequence[Step], candidate: Sequence[Step]
    ) -> tuple[list[Difference], list[Heard]]:
        """Their differences that are certain now, and what only the candidate has heard so far."""
        mine, others = self._service.add(service), self._candidate.add(candidate)
        if self._from_s == math.inf:
            return [], []
        known = len(self._candidate.answers)
        fresh = list(self._candidate.answers)[known - min(known, len(candidate)) :]
        self._pending.extend(answer for answer in fresh if answer.end_s > self._from_s)
        self._compare()
        now_s = min(self._service.end_s, self._candidate.end_s)
        settled = self._matcher.feed(mine, others, now_s)
        matched = [match.candidate for match in settled]
        alone = [one for one in others if one not in matched and self._counts(one)]
        differences = [found for match in settled if (found := self._count(match)) is not None]
        return differences, alone

    def take(self) -> Tally:
        """What was counted since the last call."""
        tally, self.tally = self.tally, Tally()
        return tally

    def _counts(self, one: Heard) -> bool:
        """Whether the candidate was warm; what began just then may have begun before for the other one."""
        return one.start_s >= self._from_s + SEAM_S

    def _compare(self) -> None:
        """Each answer of the candidate with the nearest one of the model in service."""
        apart_s = max(self._service.step_s, self._candidate.step_s) / 2 + 1e-6
        while self._pending and self._service.end_s >= self._pending[0].end_s - 1e-6:
            answer = self._pending.popleft()
            nearest = min(self._service.answers, key=lambda other: abs(other.end_s - answer.end_s))
            if abs(nearest.end_s - answer.end_s) <= apart_s:
                self.tally.steps += 1
                self.tally.agreed += nearest.top == answer.top

    def _count(self, match: Match) -> Difference | None:
        one = match.heard
        if not self._counts(one):
            return None
        {"both": self.tally.both, "gained": self.tally.gained, "lost": self.tally.lost}[match.kind][
            one.label
        ] += 1
        if match.kind == "both":
            return None
        return Difference(
            kind=match.kind, heard=one, posterior=self._service.peak(one),
            candidate_posterior=self._candidate.peak(one),
        )  # fmt: skip
