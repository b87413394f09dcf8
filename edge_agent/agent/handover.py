"""One model takes over from another while sound goes on: every sample is in service once."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from contract.audio import RATE_HZ
from contract.detector import Found
from edge_agent.agent.candidate import Candidate
from edge_agent.agent.publisher import Publisher
from edge_agent.agent.reporting import Identity
from edge_agent.agent.station import Station
from edge_agent.capture import Block
from edge_agent.pipeline import Step
from edge_agent.swap import Heard, Plan, heard, plan, silences, unheard

_REMEMBERED_S: Final = 30.0
"""Longer than most refractory times."""

MakePublisher = Callable[[Identity], Publisher]


@dataclass(slots=True)
class Beside:
    """What two models made of the latest sound, of which only one is in service."""

    told: list[Heard] = field(default_factory=list)
    """Detections of the one in service."""
    early: list[tuple[Step, Found]] = field(default_factory=list)
    """Those of the other one, with the steps that they came with."""
    last: Step | None = None
    """The latest step of the other one."""

    def add(self, steps: Sequence[Step], others: Sequence[Step], step_s: float, now_s: float) -> None:
        """More steps; what is long past is forgotten."""
        self.told += [heard(step, found, step_s) for step in steps for found in step.found]
        self.early += [(step, found) for step in others for found in step.found]
        self.told = [one for one in self.told if one.end_s > now_s - _REMEMBERED_S]
        self.early = [one for one in self.early if one[0].end_s > now_s - _REMEMBERED_S]
        self.last = others[-1] if others else self.last


class Handover:
    """From the model that a station runs to ``successor``, at the first seam when that is warm.

    ``beside``: the successor hears everything already, and this is what both made of it. ``urgent``: it goes
    on with what it has, to take over ``at_once``.
    """

    def __init__(
        self, station: Station, service: Candidate, successor: Candidate, make_publisher: MakePublisher,
        *, beside: Beside | None = None, urgent: bool = False,
    ) -> None:  # fmt: skip
        self._station, self._service, self._successor = station, service, successor
        self._make_publisher = make_publisher
        self._heard = beside or Beside()
        self.problem = ""
        """Why the successor cannot take over."""
        self.done = False
        self._begun = beside is not None
        """Whether the successor listens."""
        self._plan = Plan(begin=0, seam=0) if urgent else self._make_plan(warm=beside is not None)

    def hear(self, block: Block) -> Block:
        """Take in sound up to the seam; what lies behind it, for the successor. All of it after a problem."""
        head, rest = cut(block, self._plan.seam)
        before, after = cut(head, self._plan.begin)
        self._hear(before, beside=False)
        if not self._begun and self._plan.begin <= len(head.samples):
            self._begun = True
            self._successor.pipeline.pipeline.follow(self._service.pipeline.pipeline)
        self._hear(after, beside=True)
        passed = len(head.samples)
        self._plan = Plan(begin=max(0, self._plan.begin - passed), seam=self._plan.seam - passed)
        if self._plan.seam == 0 and not self.problem:
            # A run of both ends here, so neither front end is ahead of the other.
            self._successor.pipeline.pipeline.follow(self._service.pipeline.pipeline)
            self._take_over(head.captured_s)
        return rest

    def interrupt(self) -> None:
        """The stream broke, and the station began a new one: so does the successor."""
        self._heard, self._begun = Beside(), False
        self._plan = self._make_plan(warm=False)

    def at_once(self, now_s: float) -> None:
        """Take over here, in the middle of a run or not: from here on the other model is no good."""
        self._plan = Plan(begin=0, seam=0)
        self._take_over(now_s)

    def _make_plan(self, *, warm: bool) -> Plan:
        mine, other = self._service.pipeline.pipeline, self._successor.pipeline.pipeline
        if warm and mine.run_samples == other.run_samples and mine.pending == other.pending:
            return Plan(begin=0, seam=-mine.pending % mine.run_samples)
        self._begun = False
        other.reset()
        return plan(mine.pending, mine.run_samples, other.run_samples, math.ceil(other.warm_s * RATE_HZ))

    def _hear(self, block: Block, *, beside: bool) -> None:
        if not len(block.samples):
            return
        steps = self._station.hear(block)
        others = self._warm(block) if beside else []
        self._heard.add(steps, others, self._service.pipeline.step_s, block.captured_s)

    def _warm(self, block: Block) -> list[Step]:
        if self.problem:
            return []
        try:
            steps = self._successor.pipeline.feed(block.samples, block.captured_s)
        except Exception as error:  # whatever it is, the model in service goes on
            self.problem = f"it failed while it was getting warm: {error or type(error).__name__}"
            return []
        if not all(np.isfinite(step.posteriors).all() for step in steps):
            self.problem = "its posteriors are no numbers"
        return steps

    def _take_over(self, seam_s: float) -> None:
        old, new = self._service.pipeline, self._successor.pipeline
        told = self._heard.told + self._settle()
        # The level goes on without a break, and the heartbeat keeps asking the same meter.
        old.pipeline.meter, new.pipeline.meter = new.pipeline.meter, old.pipeline.meter
        self._station.replace(
            new, self._successor.identity, self._make_publisher(self._successor.identity), self._heard.last,
            silences(told, old.pipeline.refractory_s),
        )  # fmt: skip
        early = [heard(step, found, new.step_s) for step, found in self._heard.early]
        for index in unheard(early, told, seam_s):
            self._station.report(*self._heard.early[index])
        self.done = True

    def _settle(self) -> list[Heard]:
        last = self._station.last
        found = self._station.settle()
        return [heard(last, one, self._service.pipeline.step_s) for one in found] if last is not None else []


def cut(block: Block, samples: int) -> tuple[Block, Block]:
    """The first ``samples`` of a block, and the rest of it; either may be empty."""
    rest = block.samples[samples:]
    head_s = block.captured_s - len(rest) / RATE_HZ
    return Block(samples=block.samples[:samples], captured_s=head_s), Block(
        samples=np.asarray(rest), captured_s=block.captured_s
    )
