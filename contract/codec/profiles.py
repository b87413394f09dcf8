"""How finely frames are said: the coarser, the fewer bits."""

from dataclasses import dataclass
from typing import Final

from contract.audio import FRAMES_PER_S, MEL_BINS

LEAST: Final = -128
MOST: Final = 127
"""Of a feature."""

FINE_RATE: Final = 2 * FRAMES_PER_S
"""Frames a second of the finer tensor."""

FINE_BINS: Final = 40
"""Bins up to 2.2 kHz carry harmonics, and are said more finely than those above."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """One way to round features."""

    number: int
    """As packets have it."""
    name: str
    frames_per_s: int
    """Those of the front end, or those of ``contract.codec.analysis``."""
    steps: tuple[int, ...]
    """Of each bin, in units of a feature: half decibels."""

    @property
    def exact(self) -> bool:
        """Whether nothing is rounded."""
        return max(self.steps) == 1


def _profile(number: int, name: str, frames_per_s: int, fine: int, coarse: int) -> Profile:
    steps = (fine,) * FINE_BINS + (coarse,) * (MEL_BINS - FINE_BINS)
    return Profile(number=number, name=name, frames_per_s=frames_per_s, steps=steps)


PROFILES: Final = (
    _profile(0, "7k", FRAMES_PER_S, 4, 7),
    _profile(1, "exact", FRAMES_PER_S, 1, 1),
    _profile(2, "8k", FINE_RATE, 13, 19),
    _profile(3, "10k", FINE_RATE, 9, 14),
    _profile(4, "15k", FINE_RATE, 4, 7),
    _profile(5, "26k", FINE_RATE, 1, 2),
)
"""By number. Names tell about how many bits a second speech takes."""

BY_NAME: Final = {profile.name: profile for profile in PROFILES}
