"""A candidate listens beside the model in service; only what they disagree about is told."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from contract.audio import RATE_HZ
from contract.topics import DISAGREEMENT, SHADOW
from edge_agent.agent.candidate import Candidate
from edge_agent.agent.event import Event
from edge_agent.agent.handover import cut
from edge_agent.agent.station import Keeps, Station
from edge_agent.agent.update_reporting import disagreement, shadow
from edge_agent.capture import Block, Lost
from edge_agent.pipeline import Step
from edge_agent.swap import Comparison, Duty, Heard
from edge_agent.swap.comparing import Side

TOLD_EVERY_S: Final = 300.0
"""Sound between two summaries."""
_LATEST_S: Final = 1.0
"""A candidate that answers later than this cannot say in time whether a window is private."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """How long a shadow listens, in seconds of sound, and for which share of one core."""

    seconds: float
    share: float


class Shadowing:
    """Hears in the station's stead until it is ``over``; everything happens in the thread that calls it."""

    def __init__(
        self, station: Station, service: Candidate, candidate: Candidate, terms: Terms, outbox: Keeps,
        tell: Callable[[Event], None],
    ) -> None:  # fmt: skip
        self._station, self._service, self._candidate = station, service, candidate
        self._terms, self._outbox, self._tell = terms, outbox, tell
        labels = candidate.identity.manifest.labels
        self._own = Side(service.identity.manifest.labels, service.pipeline.step_s)
        self._comparison = Comparison(self._own, Side(labels, candidate.pipeline.step_s))
        self._duty = Duty(terms.share, candidate.pipeline.pipeline.warm_s)
        self._warm_s: float | None = None
        """Sound until it is warm; 0: it is; ``None``: it does not listen."""
        self._heard_s = self._told_s = self._skipped_s = self._cpu_s = 0.0
        self._since_s: float | None = None
        self._now_s = 0.0
        run_s = candidate.pipeline.pipeline.run_samples / RATE_HZ
        self._prompt = run_s <= _LATEST_S
        self.over = False

    @property
    def digest(self) -> str:
        """Of the candidate's bundle."""
        return self._candidate.digest

    def begin(self) -> None:
        """In the main loop, before the first block."""

    def hear(self, block: Block) -> None:
        """More sound."""
        pipeline = self._service.pipeline.pipeline
        if self._warm_s is None and self._duty.listening:
            # From a run's beginning on, so that both answer at the same times.
            head, block = cut(block, -pipeline.pending % pipeline.run_samples)
            self._pass(head, [])
            if not len(block.samples):
                return
            self._candidate.pipeline.reset()
            self._candidate.pipeline.pipeline.follow(pipeline)
            self._warm_s = self._candidate.pipeline.pipeline.warm_s
        self._pass(block, self._listen(block) if self._warm_s is not None else [])

    def lose(self, lost: Lost) -> None:
        """Sound is missing here."""
        self._station.lose(lost)
        if lost.reason != "overrun":
            self._pause()

    def cancel(self, reason: str = "") -> None:  # noqa: ARG002 - nobody is told why
        """It is not wanted any more."""
        if not self.over:
            self._summarise()
            self._end("withdrawn", "")

    def _listen(self, block: Block) -> list[Step]:
        begun_s = self._candidate.pipeline.cpu_s
        try:
            steps = self._candidate.pipeline.feed(block.samples, block.captured_s)
        except Exception as error:  # whatever it is, the model in service goes on
            return self._fail(f"it failed while it listened as a shadow: {error or type(error).__name__}")
        seconds = len(block.samples) / RATE_HZ
        self._duty.listen(seconds, self._candidate.pipeline.cpu_s - begun_s)
        self._cpu_s += self._candidate.pipeline.cpu_s - begun_s
        if not all(np.isfinite(step.posteriors).all() for step in steps):
            return self._fail("its posteriors are no numbers between 0 and 1")
        if self._warm_s:
            self._warm_s = max(0.0, self._warm_s - seconds)
            self._skipped_s += seconds
            if not self._warm_s:
                self._comparison.resume(block.captured_s)
        return steps

    def _pass(self, block: Block, others: Sequence[Step]) -> None:
        """The model in service hears the block, of which the candidate has made ``others``."""
        if not len(block.samples):
            return
        seconds = len(block.samples) / RATE_HZ
        steps = self._station.hear(block)
        self._heard_s += seconds
        if self._since_s is None:
            self._since_s = block.captured_s - seconds
        self._now_s = block.captured_s
        if self.over:
            return
        if self._warm_s is None:
            self._duty.pass_by(seconds)
            self._skipped_s += seconds
        self._hide(others)
        differences, alone = self._comparison.feed(steps, others)
        for difference in differences:
            self._outbox.append(
                DISAGREEMENT, disagreement(self._service.identity, self._candidate.identity, difference)
            )
        for one in alone:
            self._suggest(one)
        if self._warm_s is not None and not self._duty.listening:
            self._pause()
        if self._heard_s - self._told_s >= TOLD_EVERY_S:
            self._summarise()
        if self._heard_s >= self._terms.seconds:
            self._summarise()
            self._end("shadowed", "")

    def _hide(self, others: Sequence[Step]) -> None:
        """What either of them takes for private stays on the node."""
        rule = self._station.publisher.rule_of(self._candidate.identity.manifest.labels)
        for step in others:
            if not rule.problem and rule.hides(step.posteriors):
                self._station.publisher.hide(self._back_steps(step.end_s))

    def _suggest(self, one: Heard) -> None:
        """A window of what only the candidate heard, unless it cannot tell what is private."""
        publisher = self._station.publisher
        rule = publisher.rule_of(self._candidate.identity.manifest.labels)
        if self._prompt and not rule.problem and one.label not in rule.labels:
            publisher.suggest("disagreement", self._back_steps(one.end_s))

    def _back_steps(self, end_s: float) -> int:
        return max(0, round((self._own.end_s - end_s) / self._service.pipeline.step_s))

    def _pause(self) -> None:
        self._warm_s = None
        self._comparison.pause()

    def _summarise(self) -> None:
        seconds = self._heard_s - self._told_s
        if seconds <= 0 or self._since_s is None:
            return
        skipped = round(self._skipped_s / self._candidate.pipeline.step_s)
        build = shadow(
            self._service.identity, self._candidate.identity, self._comparison.take(),
            start_s=self._since_s, end_s=self._now_s, skipped=skipped,
            cpu_percent=100 * self._cpu_s / seconds,
        )  # fmt: skip
        self._outbox.append(SHADOW, build)
        self._told_s, self._since_s = self._heard_s, self._now_s
        self._skipped_s = self._cpu_s = 0.0

    def _fail(self, reason: str) -> list[Step]:
        self._summarise()
        self._end("rolled_back", reason)
        return []

    def _end(self, kind: str, reason: str) -> None:
        self.over = True
        self._tell(Event(kind=kind, digest=self._candidate.digest, reason=reason))
