"""A live stream without holes, for files and players that know no pauses."""

import time
from collections.abc import Callable, Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray

from aggregator.services.live_streams import Ear
from contract.audio import RATE_HZ

LAG_S: Final = 0.3
"""Silence is given out this late, so that sound that comes after it is not cut."""
_LOOK_S: Final = 0.1
_MOST_SAMPLES: Final = RATE_HZ
PATIENCE_S: Final = 10.0


def gapless(ear: Ear, *, steady: Callable[[], float] = time.monotonic) -> Iterator[NDArray[np.int16]]:
    """Samples in step with the clock until the stream is closed: silence where nothing was heard or came.

    None at all if nothing comes for the first ten seconds.
    """
    begun_s = steady()
    given: int | None = None
    """Position behind what was given out."""
    latest, latest_s = 0, 0.0
    while not ear.closed:
        heard = ear.next(_LOOK_S)
        now_s = steady()
        if heard is not None:
            latest, latest_s = heard.position + len(heard.samples), now_s
            given = heard.position if given is None else given
            yield from _silence(heard.position - given)
            fresh = heard.samples[max(0, given - heard.position) :]
            given = max(given, latest)
            yield fresh
        elif given is not None:
            due = latest + int((now_s - latest_s - LAG_S) * RATE_HZ)
            yield from _silence(due - given)
            given = max(given, due)
        elif now_s - begun_s > PATIENCE_S:
            return


def _silence(samples: int) -> Iterator[NDArray[np.int16]]:
    for start in range(0, samples, _MOST_SAMPLES):
        yield np.zeros(min(_MOST_SAMPLES, samples - start), np.int16)
