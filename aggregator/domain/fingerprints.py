"""When two windows of one node are nearly the same, by a coarse picture of their frames.

A fingerprint is the mean level in 8 stretches of time by 8 bands of ten mel bins. Two windows are near when
their lengths differ by at most a tenth, the levels by at most 2 dB (root of the mean square) and no single
one by more than 6 dB. That holds for a fan that runs on and for rain that goes on raining, not for two barks:
these fall into other stretches, or are louder by more.
"""

from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from contract.audio import FEATURE_SCALE_DB

STRETCHES: Final = 8
BANDS: Final = 8
NEAR_RMS_DB: Final = 2.0
NEAR_MOST_DB: Final = 6.0
NEAR_LENGTH: Final = 0.1
_LENGTH_BYTES: Final = 2


def fingerprint(frames: NDArray[np.int8]) -> bytes:
    """The fingerprint of (frames, mel bins) int8: number of frames, then 64 levels as int8.

    >>> fingerprint(np.full((16, 80), 5, np.int8)) == b"\\x10\\x00" + b"\\x05" * 64
    True
    """
    count = len(frames)
    bands = frames.reshape(count, BANDS, -1).astype(np.float32).mean(axis=2)
    edges = [round(index * count / STRETCHES) for index in range(STRETCHES + 1)]
    levels = np.stack(
        [
            bands[min(first, count - 1) : max(last, min(first, count - 1) + 1)].mean(axis=0)
            for first, last in pairwise(edges)
        ]
    )
    coarse: bytes = np.rint(levels).astype(np.int8).tobytes()
    return count.to_bytes(_LENGTH_BYTES, "little") + coarse


def nearest(mine: bytes, others: list[bytes]) -> int | None:
    """The index of the fingerprint that is nearest to ``mine``; None if none is near.

    >>> loud, quiet = (fingerprint(np.full((16, 80), level, np.int8)) for level in (5, -20))
    >>> nearest(loud, [quiet, loud]), nearest(loud, [quiet])
    (1, None)
    """
    if not others:
        return None
    length = int.from_bytes(mine[:_LENGTH_BYTES], "little")
    lengths = np.array([int.from_bytes(other[:_LENGTH_BYTES], "little") for other in others])
    difference = (_levels(others) - _levels([mine])) * FEATURE_SCALE_DB
    distance = np.sqrt((difference**2).mean(axis=1))
    is_near = (
        (distance <= NEAR_RMS_DB)
        & (np.abs(difference).max(axis=1) <= NEAR_MOST_DB)
        & (np.abs(lengths - length) <= NEAR_LENGTH * max(length, 1))
    )
    if not is_near.any():
        return None
    return int(np.where(is_near, distance, np.inf).argmin())


def _levels(prints: list[bytes]) -> NDArray[np.float32]:
    """The levels of some fingerprints, (prints, 64)."""
    joined = np.frombuffer(b"".join(one[_LENGTH_BYTES:] for one in prints), np.int8)
    return joined.reshape(len(prints), -1).astype(np.float32)
