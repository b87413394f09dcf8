"""What every contender can do, whatever it is made of."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from model_build.compare.bench import Clips, Lessons
from model_build.dataset import Progress

Plain = Mapping[str, object]
"""What JSON can hold."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """One way to deploy a fitted contender, and its price."""

    name: str
    """Arithmetic and storage, as the table says it."""
    size_bytes: int
    stream_ms: float
    """Processor time per second of sound, a decision after every step of 80 ms."""
    decision_ms: float
    """Processor time of one decision about one clip."""


class Fitted(Protocol):
    """A contender that has learned."""

    step_s: float
    """Time between the decisions of ``follow``."""

    def decide(self, clips: Clips) -> NDArray[np.int64]:
        """(N,) index of the label of each clip."""
        ...

    def follow(self, features: NDArray[np.int8]) -> NDArray[np.float32]:
        """(N, decisions, K) posteriors along streams (N, T, MEL_BINS), one every ``step_s``.

        A contender that needs a whole window says nothing (zeros) before it has heard one.
        """
        ...

    def forms(self, clips: Clips) -> tuple[Form, ...]:
        """How it would be deployed, the way that the table shows first; measured on ``clips``."""
        ...


class Contender(Protocol):
    """A way to learn."""

    copies: int
    """Augmented copies that it wants."""

    def tune(self, lessons: Lessons, progress: Progress) -> Plain:
        """Settings that serve best on groups of ``lessons`` kept apart; no judged clip takes part."""
        ...

    def fit(self, lessons: Lessons, settings: Plain, seed: int, progress: Progress) -> Fitted:
        """Learn from all of ``lessons``."""
        ...
