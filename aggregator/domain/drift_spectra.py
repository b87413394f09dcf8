"""Where in the spectrum the noise floor rose. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from contract.audio import FEATURE_SCALE_DB, FEATURE_ZERO_POINT, MEL_BINS

QUIET_SHARE: Final = 10
"""Percent of the frames of a window: what stays in a bin when nothing happens there."""
BIN_RISE_DB: Final = 6.0
FEW: Final = MEL_BINS // 3
LEAST_WINDOWS: Final = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Spectrum:
    """The noise floor per mel bin over some windows, dB; lowest bin first."""

    windows: int
    floor_db: tuple[float, ...]


def spectrum(windows: Sequence[NDArray[np.int8]]) -> Spectrum | None:
    """The median over windows, (frames, mel bins) int8 each, of what stays in each bin. None of too few."""
    if len(windows) < LEAST_WINDOWS:
        return None
    # In float: between two int8 values numpy interpolates in int8, which overflows.
    floors = np.stack([np.percentile(frames.astype(np.float32), QUIET_SHARE, axis=0) for frames in windows])
    decibels = (np.median(floors, axis=0) - FEATURE_ZERO_POINT) * FEATURE_SCALE_DB
    return Spectrum(windows=len(windows), floor_db=tuple(round(float(one), 1) for one in decibels))


def risen(now: Spectrum | None, reference: Spectrum | None) -> tuple[int, ...]:
    """The bins in which the floor rose.

    >>> quiet = Spectrum(windows=9, floor_db=(-60.0,) * 80)
    >>> risen(Spectrum(windows=9, floor_db=(-60.0,) * 79 + (-50.0,)), quiet)
    (79,)
    """
    if now is None or reference is None:
        return ()
    pairs = zip(now.floor_db, reference.floor_db, strict=True)
    return tuple(index for index, (one, other) in enumerate(pairs) if one - other >= BIN_RISE_DB)


def is_narrow(bins: Sequence[int]) -> bool:
    """Whether few bins rose, as with a fan, rather than all, as with rain.

    >>> is_narrow([3, 4]), is_narrow(range(60)), is_narrow([])
    (True, False, False)
    """
    return 0 < len(bins) <= FEW
