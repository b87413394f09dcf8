"""A candidate on its way into service: it gets warm, takes over, is on probation, stays or goes."""

import time
from collections.abc import Callable
from typing import Final, Protocol

from contract.audio import RATE_HZ
from edge_agent.agent.candidate import Candidate
from edge_agent.agent.event import Event
from edge_agent.agent.handover import Beside, Handover, MakePublisher
from edge_agent.agent.station import Station
from edge_agent.capture import Block, Lost
from edge_agent.pipeline import Step
from edge_agent.swap import Limits, Observer, judge
from edge_agent.swap.observing import Answers

_JUDGED_EVERY_S: Final = 0.5
_BEHIND_S: Final = 2.0
_BESIDE_MOST: Final = 0.5
"""Processor seconds per second of sound that both models together may take; else the one before rests."""


class Circumstances(Protocol):
    """What a trial asks of the agent around it."""

    @property
    def connected(self) -> bool: ...  # noqa: D102
    @property
    def behind_s(self) -> float: ...  # noqa: D102


class Trial:
    """Hears in the station's stead until it is ``over``; everything happens in the thread that calls it.

    ``begun``: the candidate is in service already, after a restart; ``before`` gets warm beside it.
    """

    def __init__(
        self, station: Station, before: Candidate, candidate: Candidate, make_publisher: MakePublisher,
        limits: Limits, around: Circumstances, tell: Callable[[Event], None],
        *, steady_s: Callable[[], float] = time.monotonic,
    ) -> None:  # fmt: skip
        self._station, self._before, self._candidate = station, before, candidate
        self._make_publisher, self._limits = make_publisher, limits
        self._around, self._tell, self._steady_s = around, tell, steady_s
        self.over = False
        self._reason = ""
        """Why it is being rolled back, if it is."""
        self._handover: Handover | None = None
        self._observer: Observer | None = None
        self._beside = Beside()
        self._resting = False
        """Whether the model before hears nothing, to save processor time."""
        self._heard_s = self._judged_s = 0.0
        self._was_connected = False
        self._connected_s = 0.0

    def begin(self) -> None:
        """In the main loop, before the first block."""
        if self._station.identity.bundle_digest == self._candidate.digest:
            self._station.wrap(self._candidate.pipeline)
            self._on_probation()
            return
        self._station.wrap(self._before.pipeline)
        self._handover = Handover(self._station, self._before, self._candidate, self._make_publisher)

    def hear(self, block: Block) -> None:
        """More sound."""
        if self._handover is not None:
            block = self._change(self._handover, block)
        if len(block.samples):
            self._serve(block)

    def lose(self, lost: Lost) -> None:
        """Sound is missing here."""
        self._station.lose(lost)
        if lost.reason == "overrun":
            return
        if self._handover is not None:
            self._handover.interrupt()
        elif not self._resting:
            self._before.pipeline.reset()
            self._beside = Beside()
        if self._observer is not None:
            self._observer.interrupt()

    def cancel(self, reason: str) -> None:
        """Leave, or keep, the model before in service."""
        if not self.over and not self._reason:
            self._return(reason)

    def _change(self, handover: Handover, block: Block) -> Block:
        """What is left of the block behind the seam, if this was it."""
        if self._reason:
            return self._change_back(handover, block)
        rest = handover.hear(block)
        problem = handover.problem or self._both_behind()
        if problem:
            self._reason = problem
            self._end("rolled_back", self._before)
        elif handover.done:
            self._handover = None
            self._on_probation()
            self._tell(Event(kind="took_over", digest=self._candidate.digest))
        return rest

    def _change_back(self, handover: Handover, block: Block) -> Block:
        try:
            block = handover.hear(block)
        except Exception:  # the candidate, which is to go anyway, has not heard this block
            handover.at_once(block.captured_s - len(block.samples) / RATE_HZ)
        if handover.problem and not handover.done:
            handover.at_once(block.captured_s)
        if handover.done:
            self._end("rolled_back", self._before)
        return block

    def _both_behind(self) -> str:
        behind_s = self._around.behind_s
        if behind_s <= _BEHIND_S:
            return ""
        return f"the node cannot run it beside the model in service: {behind_s:.1f} s of sound were waiting"

    def _on_probation(self) -> None:
        candidate, before = self._candidate, self._before
        self._observer = Observer(
            candidate.identity.manifest.labels, candidate.pipeline.step_s,
            Answers(before.identity.manifest.labels, before.pipeline.step_s),
        )  # fmt: skip
        candidate.pipeline.begin()
        before.pipeline.begin()
        self._beside, self._heard_s = Beside(), 0.0
        self._was_connected, self._connected_s = self._around.connected, self._steady_s()

    def _serve(self, block: Block) -> None:
        observer = self._observer
        if observer is None or self.over:
            self._station.hear(block)
            return
        try:
            steps = self._station.hear(block)
        except Exception as error:  # whatever it is, the model before can go on from here
            self._fail(f"it failed: {error or type(error).__name__}", block)
            return
        seconds = len(block.samples) / RATE_HZ
        before = self._hear_beside(block)
        self._beside.add(steps, before, self._candidate.pipeline.step_s, block.captured_s)
        observer.add(steps, before, seconds)
        self._heard_s += seconds
        if self._heard_s - self._judged_s >= _JUDGED_EVERY_S:
            self._judged_s = self._heard_s
            self._judge(observer)

    def _hear_beside(self, block: Block) -> list[Step]:
        if self._resting:
            return []
        try:
            return self._before.pipeline.feed(block.samples, block.captured_s)
        except Exception:  # the model before is not on trial; without it there is less to compare
            self._rest()
            return []

    def _judge(self, observer: Observer) -> None:
        mine, before = self._candidate.pipeline.cost, self._before.pipeline.cost
        now_s = self._steady_s()
        if self._around.connected or not self._was_connected:
            self._connected_s = now_s
        seen = observer.observed(
            cost=mine, before_cost=before, behind_s=self._around.behind_s,
            unconnected_s=now_s - self._connected_s,
        )  # fmt: skip
        verdict = judge(seen, self._limits)
        if verdict.action == "roll_back":
            self._return(verdict.reason)
        elif verdict.action == "confirm":
            self._end("confirmed", self._candidate)
        elif not self._resting and (mine or 0.0) + (before or 0.0) > _BESIDE_MOST:
            self._rest()

    def _rest(self) -> None:
        self._resting, self._beside = True, Beside()
        if self._observer is not None:
            self._observer.forget_reference()

    def _return(self, reason: str) -> None:
        """Back to the model before, at the next seam."""
        self._reason = reason
        if self._observer is None:
            self._end("rolled_back", self._before)
            return
        self._observer = None
        self._handover = self._way_back(urgent=False)

    def _fail(self, reason: str, block: Block) -> None:
        """Back to the model before at once: nobody has answered to this block, nor to what waited for it."""
        self._reason = reason
        self._way_back(urgent=True).at_once(block.captured_s - len(block.samples) / RATE_HZ)
        self._end("rolled_back", self._before)
        self._station.hear(block)

    def _way_back(self, *, urgent: bool) -> Handover:
        return Handover(
            self._station, self._candidate, self._before, self._make_publisher,
            beside=None if self._resting else self._beside, urgent=urgent and not self._resting,
        )  # fmt: skip

    def _end(self, kind: str, stays: Candidate) -> None:
        self._handover = self._observer = None
        self._station.wrap(stays.pipeline.pipeline)
        self.over = True
        self._tell(Event(kind=kind, digest=self._candidate.digest, reason=self._reason))
