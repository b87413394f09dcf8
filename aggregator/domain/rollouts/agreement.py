"""What shadows and models in service made of the same sound, added up. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelAgreement:
    """Detections of a label."""

    label: str
    both: int
    gained: int
    """By the candidate only."""
    lost: int
    """By the model in service only."""


@dataclass(slots=True, kw_only=True)
class Agreement:
    """The sums over nodes and time."""

    nodes: int = 0
    seconds: float = 0.0
    steps: int = 0
    agreed: int = 0
    skipped: int = 0
    cpu_percent: float = 0.0
    """The highest of any node."""
    both: dict[str, int] = field(default_factory=dict)
    gained: dict[str, int] = field(default_factory=dict)
    lost: dict[str, int] = field(default_factory=dict)

    @property
    def share(self) -> float | None:
        """Of the steps, those in which both found the same label most probable; None without a step."""
        return self.agreed / self.steps if self.steps else None

    @property
    def labels(self) -> tuple[LabelAgreement, ...]:
        """Every label that was detected: first what differs most."""
        names = {*self.both, *self.gained, *self.lost}
        found = [
            LabelAgreement(
                label=name,
                both=self.both.get(name, 0),
                gained=self.gained.get(name, 0),
                lost=self.lost.get(name, 0),
            )
            for name in names
        ]
        return tuple(sorted(found, key=lambda one: (-(one.gained + one.lost), -one.both, one.label)))

    def add(self, name: str, counts: Mapping[str, int]) -> None:
        """Count detections, of ``both``, ``gained`` or ``lost``."""
        mine: dict[str, int] = getattr(self, name)
        for label, count in counts.items():
            mine[label] = mine.get(label, 0) + count


def together(parts: Iterable[Agreement]) -> Agreement:
    """The sum of several."""
    total = Agreement()
    for part in parts:
        total.nodes += part.nodes
        total.seconds += part.seconds
        total.steps += part.steps
        total.agreed += part.agreed
        total.skipped += part.skipped
        total.cpu_percent = max(total.cpu_percent, part.cpu_percent)
        for name in ("both", "gained", "lost"):
            total.add(name, getattr(part, name))
    return total
