"""What a frame will probably look like, bin by bin, from what is known already. Whole numbers only.

Encoder and decoder walk through ``code_frame`` alike: what differs is only how a value becomes known.
"""

import json
from bisect import bisect_right
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from contract.audio import MEL_BINS
from contract.codec.profiles import LEAST, MOST, Profile
from contract.codec.range_coder import Table

WEIGHT_BITS: Final = 10
"""Weights are multiples of ``2**-WEIGHT_BITS``."""

PLACES: Final = 8
"""Neighbours that a value is predicted from: those below it by one and two bins; a frame before, the same
bin, those below it by one and two and above it by one and two; two frames before, the same bin."""

BUSTLE: Final = (3, 7, 12, 18, 26, 36, 50, 68, 92, 125, 175, 260)
"""Bounds of the classes of bustle: how much neighbours differ, in eighths of a step."""

QUARTERS: Final = 4
"""Where within a step the prediction lies tells which of the values beside it is the likelier one."""

WIDEST: Final = 9
"""A value that is farther from its prediction, in steps, is spelt out."""

ESCAPE: Final = 2 * WIDEST + 1
SYMBOLS: Final = ESCAPE + 1
CONTEXTS: Final = (len(BUSTLE) + 1) * QUARTERS

Settle = Callable[[int, int, int], int]
"""Of a bin, a context and a predicted index, the index that it really has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """How values are predicted: within a stretch, or in a key frame, where nothing came before."""

    weights: tuple[int, ...]
    """PLACES of them."""
    bias: tuple[int, ...]
    """One for each bin, in the unit of weights."""
    across: int
    """What differences to the frame before count for the bustle."""
    tables: tuple[Table, ...]
    """One for each of CONTEXTS."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Models:
    """Everything that was learned from recordings."""

    typical: tuple[int, ...]
    """A frame as they often are: what comes before a key frame."""
    key: Model
    following: Model


@cache
def learned(frames_per_s: int) -> Models:
    """The models that this package brings for so many frames a second."""
    every = json.loads(resources.files("contract.codec").joinpath("learned.json").read_text())
    plain = every[str(frames_per_s)]
    models = {name: _model(plain[name]) for name in ("key", "following")}
    return Models(typical=tuple(plain["typical"]), **models)


def _model(plain: Mapping[str, Any]) -> Model:
    return Model(
        weights=tuple(plain["weights"]),
        bias=tuple(plain["bias"]),
        across=plain["across"],
        tables=tuple(tuple(table) for table in plain["tables"]),
    )


def code_frame(
    model: Model, profile: Profile, before: NDArray[np.int64], earlier: NDArray[np.int64], settle: Settle
) -> NDArray[np.int64]:
    """The values (MEL_BINS,) of a frame that follows ``before``, which followed ``earlier``."""
    below, below_2, *_ = model.weights
    expected, bustle = _from_before(model, before, earlier)
    beside = before.tolist()
    values: list[int] = []
    last = last_2 = beside[0]
    last_beside = beside[0]
    for bin_, step in enumerate(profile.steps):
        predicted = expected[bin_] + below * last + below_2 * last_2
        quarter = (QUARTERS * predicted + (step << WEIGHT_BITS + 1)) // (step << WEIGHT_BITS)
        differs = bustle[bin_] + model.across * abs(last - last_beside) + 2 * abs(last - last_2)
        context = bisect_right(BUSTLE, 8 * differs // step) * QUARTERS + (quarter & 3)
        index = settle(bin_, context, quarter >> 2)
        value = min(index * step + LEAST, MOST)
        values.append(value)
        last_2, last, last_beside = last, value, beside[bin_]
    return np.array(values, np.int64)


def _from_before(
    model: Model, before: NDArray[np.int64], earlier: NDArray[np.int64]
) -> tuple[list[int], list[int]]:
    """What the frames before say of each bin: expected value less LEAST, in the unit of weights; bustle."""
    padded = np.pad(before, 2, mode="edge")
    _, _, same, lower, lower_2, upper, upper_2, long_ago = model.weights
    expected = (
        np.array(model.bias, np.int64)
        + same * before
        + lower * padded[1 : MEL_BINS + 1]
        + lower_2 * padded[:MEL_BINS]
        + upper * padded[3 : MEL_BINS + 3]
        + upper_2 * padded[4 : MEL_BINS + 4]
        + long_ago * earlier
        - (LEAST << WEIGHT_BITS)
    )
    bustle = model.across * (np.abs(before - padded[3 : MEL_BINS + 3]) + 2 * np.abs(before - earlier)) // 2
    return expected.tolist(), bustle.tolist()
