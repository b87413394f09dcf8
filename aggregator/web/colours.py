"""The colour map of spectrograms. Pure.

Lightness rises evenly from night to sand while the hue turns from blue over teal to yellow: equal steps of
loudness look equally far apart, also to people who confuse red with green, and in a black and white print.
It is computed in OKLab (Ottosson 2020), a space in which equal distances look equal.
"""

from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

_LIGHTNESS: Final = (0.17, 0.97)
_CHROMA: Final = (0.045, 0.085, 0.095, 0.095, 0.110, 0.115, 0.060)
_HUE_DEGREES: Final = (285.0, 268.0, 240.0, 205.0, 165.0, 118.0, 100.0)
_DEGREE: Final = 4
"""Chroma and hue follow smooth curves near these anchors; a kink would show as a line that is not there."""

_OKLAB_TO_LMS: Final = np.array(
    [
        [1.0, 0.3963377774, 0.2158037573],
        [1.0, -0.1055613458, -0.0638541728],
        [1.0, -0.0894841775, -1.2914855480],
    ]
)
_LMS_TO_RGB: Final = np.array(
    [
        [4.0767416621, -3.3077115913, 0.2309699292],
        [-1.2684380046, 2.6097574011, -0.3413193965],
        [-0.0041960863, -0.7034186147, 1.7076147010],
    ]
)


@cache
def palette() -> NDArray[np.uint8]:
    """The map, (256, 3) uint8 sRGB, quietest first. Do not write to it."""
    colours = _srgb(_path(256))
    colours.setflags(write=False)
    return colours


def _path(count: int) -> NDArray[np.float64]:
    """``count`` colours (count, 3) in OKLab, equally far apart along the path."""
    fine = np.linspace(0, 1, 4096)
    at = np.linspace(0, 1, len(_CHROMA))
    chroma = np.polyval(np.polyfit(at, _CHROMA, _DEGREE), fine)
    hue = np.radians(np.polyval(np.polyfit(at, _HUE_DEGREES, _DEGREE), fine))
    lab = np.stack([np.linspace(*_LIGHTNESS, len(fine)), chroma * np.cos(hue), chroma * np.sin(hue)], axis=1)
    walked = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(lab, axis=0), axis=1))])
    stops = np.linspace(0, walked[-1], count)
    return np.stack([np.interp(stops, walked, lab[:, axis]) for axis in range(3)], axis=1)


def _srgb(lab: NDArray[np.float64]) -> NDArray[np.uint8]:
    linear = np.clip((lab @ _OKLAB_TO_LMS.T) ** 3 @ _LMS_TO_RGB.T, 0, 1)
    encoded = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    colours: NDArray[np.uint8] = np.rint(encoded * 255).astype(np.uint8)
    return colours
