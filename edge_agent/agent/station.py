"""Where sound becomes messages: blocks through the pipeline, what is found into the outbox."""

import logging
import time
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

    def hear(self, block: Block) -> None:
        """More sound."""
        self._captured_s = block.captured_s
        self.heard_s += len(block.samples) / RATE_HZ
        for step in self._pipeline.feed(block.samples, block.captured_s):
            self._take(step)
        if self._overrun is not None and block.captured_s - self._overrun.start_s > OVERRUNS_S:
            self._declare(self._overrun)

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
        last = self._last
        for found in self._pipeline.finish() if last is not None else []:
            if last is not None:
                self._report(last, found)
        self._send(self._publisher.finish())
        if self._overrun is not None:
            self._declare(self._overrun)

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
