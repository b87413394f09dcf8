"""Samples in pieces of any length become hops of one length. Pure."""

import numpy as np
from numpy.typing import NDArray

from contract.audio import HOP_SAMPLES


class Framer:
    """Cuts a stream into hops of ``HOP_SAMPLES`` and keeps what is left for the next call.

    >>> framer = Framer()
    >>> framer.feed(np.zeros(500, np.int16)).shape, framer.feed(np.zeros(140, np.int16)).shape
    ((1, 320), (1, 320))
    """

    def __init__(self) -> None:
        self._rest = np.zeros(0, np.int16)

    @property
    def pending(self) -> int:
        """Samples that wait for their hop to be full."""
        return len(self._rest)

    def feed(self, samples: NDArray[np.int16]) -> NDArray[np.int16]:
        """The hops that are now full, (hops, 320) int16; ``samples`` is (n,) int16."""
        joined = np.concatenate((self._rest, samples)) if len(self._rest) else samples
        whole = len(joined) // HOP_SAMPLES * HOP_SAMPLES
        self._rest = joined[whole:].copy()
        return joined[:whole].reshape(-1, HOP_SAMPLES)

    def reset(self) -> None:
        """Forget what is left over."""
        self._rest = np.zeros(0, np.int16)
