"""What a node sends beside what it detects, so that its model can learn, and what it never sends.

Posteriors are averaged as for detections, but what is private is decided on each step's own. 0 bytes a day
switches a reason off.
"""

from dataclasses import dataclass
from typing import Final

from contract.checks import real, sequence_of, text, whole
from contract.record import Record, checked

MOST_PRIVATE: Final = 50
"""Labels that may be private; a command with so many still fits its topic."""
MOST_BYTES_PER_DAY: Final = 10**12

_SHARE: Final = real(0, 1)
_BYTES: Final = whole(0, MOST_BYTES_PER_DAY)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sampling(Record):
    """Which windows a node sends, how much of each kind, and which labels are private to it."""

    near_miss_low: float = checked(
        _SHARE, "posterior from which a peak below the threshold is a near miss", default=0.3
    )
    near_miss_bytes_per_day: int = checked(
        _BYTES, "most bytes a day of windows around near misses; 0: none", default=1_500_000
    )
    uncertain_margin: float = checked(
        _SHARE, "the two best posteriors lie closer than this: uncertain; 0: never", default=0.2
    )
    uncertain_entropy: float = checked(
        _SHARE, "entropy above this part of the largest possible: uncertain; 1: never", default=0.6
    )
    uncertain_bytes_per_day: int = checked(
        _BYTES, "most bytes a day of windows around uncertain sound; 0: none", default=1_500_000
    )
    random_per_hour: float = checked(
        real(0, 360), "windows an hour at moments drawn by chance, whatever is heard", default=2.0
    )
    random_bytes_per_day: int = checked(_BYTES, "most bytes a day of them; 0: none", default=1_000_000)
    detection_bytes_per_day: int = checked(
        _BYTES, "most bytes a day of windows around detections; 0: no limit", default=0
    )
    private: tuple[str, ...] = checked(
        sequence_of(text(60), high=MOST_PRIVATE), "labels whose windows never leave the node", default=()
    )
    private_least: float = checked(
        _SHARE, "posterior of a step from which a private label counts as present", default=0.1
    )
