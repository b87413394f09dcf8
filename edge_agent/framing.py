"""Samples in pieces of any length become pieces of one length. Pure."""

import numpy as np
from numpy.typing import NDArray


class Framer:
    """Cuts a stream into pieces of ``length`` samples and keeps what is left for the next call.

    >>> framer = Framer(320)
    >>> framer.feed(np.zeros(500, np.int16)).shape, framer.feed(np.zeros(140, np.int16)).shape
    ((1, 320), (1, 320))
    """

    def __init__(self, length: int) -> None:
        self._length = length
        self._rest = np.zeros(0, np.int16)

    @property
    def pending(self) -> int:
        """Samples that wait for their piece to be full."""
        return len(self._rest)

    def feed(self, samples: NDArray[np.int16]) -> NDArray[np.int16]:
        """The pieces that are now full, (pieces, length) int16; ``samples`` is (n,) int16."""
        joined = np.concatenate((self._rest, samples)) if len(self._rest) else samples
        whole = len(joined) // self._length * self._length
        self._rest = joined[whole:].copy()
        return joined[:whole].reshape(-1, self._length)

    def reset(self) -> None:
        """Forget what is left over."""
        self._rest = np.zeros(0, np.int16)
