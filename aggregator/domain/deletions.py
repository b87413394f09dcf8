"""What a deletion takes with it, as numbers. Pure."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Final

WINDOW: Final = "window"
NODE: Final = "node"


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """How much goes, or went."""

    detections: int = 0
    windows: int = 0
    answers: int = 0
    """Reviews of these windows, also undone ones."""
    level_s: int = 0
    """Seconds of the history of sound levels."""
    quarantined: int = 0
    """Messages of the node that could not be read."""
    reports: int = 0
    """What it said of updates, and of what a shadow heard."""

    def plus(self, other: "Counts") -> "Counts":
        """Both together.

        >>> Counts(windows=2).plus(Counts(windows=1, answers=4))
        Counts(detections=0, windows=3, answers=4, level_s=0, quarantined=0, reports=0)
        """
        mine, theirs = asdict(self), asdict(other)
        return Counts(**{name: mine[name] + theirs[name] for name in mine})

    @property
    def nothing(self) -> bool:
        """Whether there is nothing at all."""
        return self == Counts()

    def to_plain(self) -> dict[str, int]:
        """For JSON."""
        return asdict(self)

    @classmethod
    def from_plain(cls, plain: Mapping[str, int]) -> "Counts":
        """From JSON; what is not there is 0."""
        return cls(**{field.name: plain.get(field.name, 0) for field in fields(cls)})
