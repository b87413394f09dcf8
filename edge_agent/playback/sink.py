"""What plays sound, and so sets the pace at which it is asked for."""

import time
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from contract.audio import RATE_HZ

AHEAD_S: Final = 0.04
"""Sound that a sink without a sound card takes before it is due."""


class Sink(Protocol):
    """Opened for each turn. Everything that goes wrong is a ``PlaybackError``."""

    latency_s: float
    """From when a sample is taken to when it is heard."""

    def open(self) -> None:
        """Get ready to play."""

    def play(self, samples: NDArray[np.int16]) -> None:
        """Take (n,) samples at 16 kHz, as soon as there is room for them."""

    def close(self) -> None:
        """What was taken has been played, as far as it could be; give the device back."""


class Pace:
    """Waits as a loudspeaker would that takes sound AHEAD_S before it is heard."""

    def __init__(self) -> None:
        self._due_s = time.monotonic()

    def wait(self, samples: int) -> None:
        """Until there is room for so many samples."""
        now_s = time.monotonic()
        # After a break it goes on from now: nothing is caught up with.
        self._due_s = max(self._due_s, now_s - AHEAD_S) + samples / RATE_HZ
        time.sleep(max(0.0, self._due_s - now_s - AHEAD_S))


class Nowhere:
    """Plays nothing, at the right pace."""

    latency_s = AHEAD_S

    def open(self) -> None:
        """Nothing to open."""
        self._pace = Pace()

    def play(self, samples: NDArray[np.int16]) -> None:
        """Wait as long as they last."""
        self._pace.wait(len(samples))

    def close(self) -> None:
        """Nothing to close."""
