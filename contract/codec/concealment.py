"""What stands in for frames that were lost: decibels between the last one before and the first one after."""

import numpy as np
from numpy.typing import NDArray

from contract.audio import MEL_BINS
from contract.codec.profiles import LEAST


def bridge(
    before: NDArray[np.int8], after: NDArray[np.int8], missing: int, longest: int, *, paused: bool = False
) -> NDArray[np.int8]:
    """(missing, MEL_BINS) frames between ``before`` and ``after``, both (MEL_BINS,).

    Nothing was heard in a pause, and a long loss is not invented: such frames are silent. Of more than
    ``longest`` only so many come.

    >>> bridge(np.full(80, 0, np.int8), np.full(80, 30, np.int8), 2, 15)[:, 0].tolist()
    [10, 20]
    """
    if paused or missing > longest:
        return np.full((min(missing, longest), MEL_BINS), LEAST, np.int8)
    part = np.arange(1, missing + 1, dtype=np.int64)[:, None]
    mixed = before.astype(np.int64) * (missing + 1 - part) + after.astype(np.int64) * part
    return (mixed // (missing + 1)).astype(np.int8)
