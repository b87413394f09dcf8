"""Where sound becomes messages: blocks through the pipeline, what is found into the outbox."""

import logging
import time
from collections.abc import Mapping
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from contract.audio import RATE_HZ
from contract.detector import Found
from contract.topics import DETECTION, FEATURES, GAP, Topic
from edge_agent.agent.publisher import Publisher
from edge_agent.agent.reporting import Identity, detection, features
from edge_agent.capture import Block, Lost
from edge_agent.outbox import Build, gap
from edge_agent.pipeline import Step
from edge_agent.windows import Window

OVERRUNS_S: Final = 10.0
"""Overruns of this long become one gap: a node that is too slow must not be kept busy by telling so."""

_log = logging.getLogger("edge_agent.agent")


class Hears(Protocol):
    """What a station needs of a pipeline."""

    step_s: float

    def feed(self, samples: NDArray[np.int16], captured_s: float) -> list[Step]: ...  # noqa: D102
    def flush(self, captured_s: float) -> list[Step]: ...  # noqa: D102
    def finish(self) -> list[Found]: ...  # noqa: D102
    def reset(self) -> None: ...  # noqa: D102
    @property
    def leq_dbfs(self) -> float: ...  # noqa: D102


class Keeps(Protocol):
    """What it needs of an outbox."""

    def append(self, topic: Topic, build: Build) -> int: ...  # noqa: D102


class Station:
    """One node's listening, from blocks to durable messages."""

    def __init__(self, pipeline: Hears, outbox: Keeps, identity: Identity, publisher: Publisher) -> None:
        self._pipeline, self._outbox, self._identity = pipeline, outbox, identity
        self._publisher = publisher
        self._last: Step | None = None
        self._captured_s = 0.0
        self.heard_s = 0.0
        """Sound processed since the start."""
        self.detections = 0
        self.overruns = 0
        self._overrun: Lost | None = None
        self._silent: Mapping[str, float] = {}
        """Label → until when it is not reported, for the model before has done so."""

    @property
    def pipeline(self) -> Hears:
        """Of the model in service."""
        return self._pipeline

    @property
    def identity(self) -> Identity:
        """Which model is in service."""
        return self._identity

    @property
    def publisher(self) -> Publisher:
        """Of the windows of the model in service."""
        return self._publisher

    @property
    def last(self) -> Step | None:
        """The latest step of the stream."""
        return self._last

    def hear(self, block: Block) -> list[Step]:
        """More sound; the steps that it completed."""
        self._captured_s = block.captured_s
        self.heard_s += len(block.samples) / RATE_HZ
        steps = self._pipeline.feed(block.samples, block.captured_s)
        for step in steps:
            self._take(step)
        if self._overrun is not None and block.captured_s - self._overrun.start_s > OVERRUNS_S:
            self._declare(self._overrun)
        return steps

    def lose(self, lost: Lost) -> None:
        """Sound is missing here. After an input was lost a new stream begins."""
        if lost.reason == "overrun":
            self.overruns += 1
            start_s = self._overrun.start_s if self._overrun else lost.start_s
            self._overrun = Lost(reason="overrun", start_s=start_s, end_s=lost.end_s)
            return
        self.finish()
        self._pipeline.reset()
        self._last = None
        self._declare(lost)

    def finish(self) -> None:
        """The stream ends or breaks: report what waits for more sound."""
        for step in self._pipeline.flush(self._captured_s):
            self._take(step)
        self.settle()
        self._send(self._publisher.finish())
        if self._overrun is not None:
            self._declare(self._overrun)

    def settle(self) -> list[Found]:
        """Report what waits for a higher posterior, although sound goes on; what was reported."""
        last = self._last
        waiting = self._pipeline.finish() if last is not None else []
        for found in waiting:
            if last is not None:
                self._report(last, found)
        return waiting

    def replace(
        self, pipeline: Hears, identity: Identity, publisher: Publisher, last: Step | None,
        silent: Mapping[str, float],
    ) -> None:  # fmt: skip
        """Go on with another model from the next sample on; what waits has been settled.

        ``last`` is the step that it made last, for nothing; ``silent`` says until when labels are not
        reported again.
        """
        self._send(self._publisher.finish())
        publisher.follow(self._publisher, last.index if last is not None else -1)
        self._pipeline, self._identity, self._publisher = pipeline, identity, publisher
        self._last, self._silent = last, silent

    def report(self, step: Step, found: Found) -> None:
        """A detection that came with an earlier step."""
        self._report(step, found)

    def wrap(self, pipeline: Hears) -> None:
        """The same pipeline in another guise."""
        self._pipeline = pipeline

    def set_policy(self, policy: str) -> None:
        """Publish by another policy from now on."""
        self._publisher.set_policy(policy)
        self._send(self._publisher.release())

    def _declare(self, lost: Lost) -> None:
        _log.warning("sound is missing", extra={"reason": lost.reason, "seconds": lost.end_s - lost.start_s})
        self._outbox.append(GAP, gap(self._identity.boot, lost.reason, lost.start_s, lost.end_s))
        if lost is self._overrun:
            self._overrun = None

    def _take(self, step: Step) -> None:
        self._last = step
        self._publisher.hear(step)
        for found in step.found:
            self._report(step, found)
        self._send(self._publisher.release())

    def _report(self, step: Step, found: Found) -> None:
        steps = found.end_step - found.start_step + 1
        if step.end_s - steps * self._pipeline.step_s < self._silent.get(found.label, 0.0):
            return
        build = detection(self._identity, step, found, self._pipeline.leq_dbfs)
        sequence = self._outbox.append(DETECTION, build)
        self.detections += 1
        self._publisher.mark(found.label, sequence, found.end_step - found.start_step)
        late_s = time.time() - step.end_s
        _log.info(
            "detection",
            extra={
                "label": found.label,
                "posterior": found.posterior,
                "sequence": sequence,
                "late_s": late_s,
            },
        )

    def _send(self, windows: list[Window]) -> None:
        for window in windows:
            self._outbox.append(FEATURES, features(self._identity, window))
