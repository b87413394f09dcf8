"""A pipeline, with the processor time that it takes."""

import time
from typing import Final

import numpy as np
from numpy.typing import NDArray

from contract.audio import RATE_HZ
from contract.detector import Found
from edge_agent.pipeline import Pipeline, Step

_ENOUGH_S: Final = 1.0
"""Sound after which its cost can be told."""


class Measured:
    """Counts from ``begin`` on; the time is that of the thread alone, so a busy machine changes little."""

    def __init__(self, pipeline: Pipeline) -> None:
        self.pipeline, self.step_s = pipeline, pipeline.step_s
        self.cpu_s = self.heard_s = 0.0

    def begin(self) -> None:
        """Count from nothing."""
        self.cpu_s = self.heard_s = 0.0

    @property
    def cost(self) -> float | None:
        """Processor seconds per second of sound; ``None`` while too little was heard to say."""
        return self.cpu_s / self.heard_s if self.heard_s >= _ENOUGH_S else None

    def feed(self, samples: NDArray[np.int16], captured_s: float) -> list[Step]:
        """As the pipeline does."""
        begun_s = time.thread_time()
        steps = self.pipeline.feed(samples, captured_s)
        self.cpu_s += time.thread_time() - begun_s
        self.heard_s += len(samples) / RATE_HZ
        return steps

    def flush(self, captured_s: float) -> list[Step]:
        """As the pipeline does."""
        return self.pipeline.flush(captured_s)

    def finish(self) -> list[Found]:
        """As the pipeline does."""
        return self.pipeline.finish()

    def reset(self) -> None:
        """As the pipeline does."""
        self.pipeline.reset()

    @property
    def leq_dbfs(self) -> float:
        """As the pipeline says."""
        return self.pipeline.leq_dbfs
