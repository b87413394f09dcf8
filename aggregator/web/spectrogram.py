"""Draws stored feature frames as a picture. Pure: an array in, a PNG out."""

import io
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from aggregator.web.colours import palette
from contract.audio import FEATURE_SCALE_DB, FEATURE_ZERO_POINT, feature_to_db

SIZES: Final = ("thumb", "full")

_THUMB: Final = (240, 80)
"""Width and height in pixels; shown at half of that, so that it is sharp on a phone."""
_FULL_HEIGHT: Final = 400
_FULL_WIDTHS: Final = (640, 2400)
_FULL_PIXELS_PER_FRAME: Final = 8
_SILENCE_DB: Final = feature_to_db(-126)
_SMALLEST_SPAN_DB: Final = 36.0
"""A window of nothing but noise shall look quiet, not be stretched to full contrast."""
_LARGEST_SPAN_DB: Final = 80.0


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelSpan:
    """Which decibels the two ends of the colour map stand for."""

    low_db: float
    high_db: float


def decibels(features: NDArray[np.int8]) -> NDArray[np.float32]:
    """Stored int8 ``features`` (T, M) as float32 decibels of the same shape.

    >>> decibels(np.array([[111, 0]], np.int8)).tolist()
    [[0.0, -55.5]]
    """
    return (features.astype(np.float32) - FEATURE_ZERO_POINT) * np.float32(FEATURE_SCALE_DB)


def level_span(levels_db: NDArray[np.float32]) -> LevelSpan:
    """The span that shows what is in ``levels_db`` (T, M): from its quiet parts to nearly its loudest."""
    # Digital silence between recordings says nothing about how quiet the place is.
    audible = levels_db[levels_db > _SILENCE_DB]
    low, high = (float(value) for value in np.percentile(audible if audible.size else levels_db, [8.0, 99.8]))
    span = min(max(high - low, _SMALLEST_SPAN_DB), _LARGEST_SPAN_DB)
    return LevelSpan(low_db=high - span, high_db=high)


def draw(features: NDArray[np.int8], size: str) -> bytes:
    """The window, (T, M) int8, as PNG: time to the right, low frequencies at the bottom.

    ``size`` is one of ``SIZES``. Interpolates decibels, not colours, so that no false colour appears.
    """
    levels = decibels(features)
    span = level_span(levels)
    upright = Image.fromarray(np.ascontiguousarray(levels.T[::-1]))
    shape = _THUMB if size == "thumb" else _full_shape(len(levels))
    smooth = np.asarray(upright.resize(shape, Image.Resampling.BICUBIC))
    shade = np.clip((smooth - span.low_db) / (span.high_db - span.low_db), 0, 1)
    return _png(np.rint(shade * 255).astype(np.uint8))


def colour_bar() -> bytes:
    """The colour map itself as a PNG one pixel wide, loudest on top."""
    return _png(np.arange(255, -1, -1, dtype=np.uint8)[:, np.newaxis])


def _full_shape(frame_count: int) -> tuple[int, int]:
    narrowest, widest = _FULL_WIDTHS
    return min(max(frame_count * _FULL_PIXELS_PER_FRAME, narrowest), widest), _FULL_HEIGHT


def _png(shades: NDArray[np.uint8]) -> bytes:
    picture = Image.fromarray(shades).convert("P")
    picture.putpalette(palette().tobytes())
    target = io.BytesIO()
    picture.save(target, "PNG", optimize=True)
    return target.getvalue()
