"""Which detections of two models, of the same sound, are the same. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from contract.detector import HOLD_S
from edge_agent.swap.heard import Heard
from edge_agent.swap.seam import SEAM_S

SETTLED_S: Final = 2 * SEAM_S + HOLD_S
"""So long after its end a detection that has no partner will get none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """A detection of one model or both; ``None`` where that one made none."""

    service: Heard | None
    candidate: Heard | None

    @property
    def kind(self) -> str:
        """``both``, ``gained`` by the candidate, or ``lost``."""
        if self.service is None:
            return "gained"
        return "both" if self.candidate is not None else "lost"

    @property
    def heard(self) -> Heard:
        """The detection, as the model in service made it if it did."""
        one = self.service or self.candidate
        if one is None:
            raise ValueError("a match of nothing")
        return one


class Matcher:
    """Takes detections as they come and gives each back once, with its partner or without.

    A detection has one partner: two of one model are never matched with the same one of the other.
    """

    def __init__(self) -> None:
        self._service: list[Heard] = []
        self._candidate: list[Heard] = []

    def feed(self, service: Sequence[Heard], candidate: Sequence[Heard], now_s: float) -> list[Match]:
        """What is settled when both have heard all sound up to ``now_s``."""
        self._service += service
        self._candidate += candidate
        matched = [match for one in list(self._service) if (match := self._pair(one)) is not None]
        due_s = now_s - SETTLED_S
        lost = [Match(service=one, candidate=None) for one in self._service if one.end_s <= due_s]
        gained = [Match(service=None, candidate=one) for one in self._candidate if one.end_s <= due_s]
        self._service = [one for one in self._service if one.end_s > due_s]
        self._candidate = [one for one in self._candidate if one.end_s > due_s]
        return matched + lost + gained

    def clear(self) -> None:
        """Forget what is not settled; what one of them did not hear in full says nothing of it."""
        self._service.clear()
        self._candidate.clear()

    def _pair(self, one: Heard) -> Match | None:
        near = [other for other in self._candidate if one.near(other, SEAM_S)]
        if not near:
            return None
        other = min(near, key=lambda other: abs(other.start_s - one.start_s))
        self._service.remove(one)
        self._candidate.remove(other)
        return Match(service=one, candidate=other)
