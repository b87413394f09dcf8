"""Where one model takes over from another: before that sample the one is in service, then the other.

Both compute in runs of whole steps. The seam is a sample at which a run of each ends: then neither holds
back sound that the other one has had, and no sample is in service twice or never. Pure.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from edge_agent.swap.heard import Heard

SEAM_S: Final = 1.0
"""Two models hear the same sound at most so far apart."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Counted in samples from now."""

    begin: int
    """From here on the successor listens beside."""
    seam: int
    """From here on it is in service."""


def plan(pending: int, run: int, successor_run: int, warm: int) -> Plan:
    """The earliest seam after at least ``warm`` samples for the successor, who begins from nothing.

    ``pending`` samples of a run of ``run`` wait in the model that is in service.

    >>> plan(pending=100, run=3840, successor_run=4800, warm=16_000)
    Plan(begin=3740, seam=22940)
    """
    heard = -(-warm // successor_run) * successor_run
    first = -pending % run
    seam = first + max(0, -(-(heard - first) // run)) * run
    return Plan(begin=seam - heard, seam=seam)


def silences(told: Sequence[Heard], refractory_s: float) -> Mapping[str, float]:
    """Until when the successor must not report a label: what was told is not told again.

    Each label stays silent as long as it would have, had the model that told it stayed in service, and as
    long as the successor may take to hear the same.
    """
    until: dict[str, float] = {}
    for one in told:
        late_s = max(one.start_s + SEAM_S, one.end_s + refractory_s)
        until[one.label] = max(until.get(one.label, 0.0), late_s)
    return until


def unheard(successor: Sequence[Heard], told: Sequence[Heard], seam_s: float) -> list[int]:
    """Which of the successor's detections just before the seam nobody told: it was the quicker one.

    The model before would have told them after the seam, which is too late for it.
    """
    return [
        index
        for index, one in enumerate(successor)
        if one.end_s > seam_s - SEAM_S and not any(one.near(other, SEAM_S) for other in told)
    ]
