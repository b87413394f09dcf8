"""Whether the input is alive: hearing, flat, stopped. Pure; the caller brings the clock."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from contract.audio import RATE_HZ

FLAT_S: Final = 5.0
"""Sound without any change for this long comes from no microphone."""
STOPPED_S: Final = 3.0
"""An input without a block for this long has stopped."""


class Watch:
    """Judges blocks as they come; ``state`` is one of the contract's ``INPUT_STATES``."""

    def __init__(self, now_s: float) -> None:
        self._last_s = now_s
        self._value: int | None = None
        self._flat_samples = 0
        self._heard = self._ended = False

    def feed(self, samples: NDArray[np.int16], now_s: float) -> None:
        """A block, (n,) int16, has come at ``now_s`` of a steady clock."""
        if not len(samples):
            return
        self._last_s, self._heard = now_s, True
        first = int(samples[0])
        if int(samples.min()) == int(samples.max()):
            self._flat_samples = len(samples) + (self._flat_samples if first == self._value else 0)
            self._value = first
        else:
            self._flat_samples, self._value = 0, None

    def end(self) -> None:
        """The input has come to its end."""
        self._ended = True

    def state(self, now_s: float) -> str:
        """What the input does at ``now_s``."""
        if self._ended:
            return "ended"
        if now_s - self._last_s > STOPPED_S:
            return "stopped"
        if self._flat_samples > FLAT_S * RATE_HZ:
            return "flat"
        return "hearing" if self._heard else "starting"
