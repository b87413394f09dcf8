"""Which bundle to run, and what became of the one before."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class RolledBack:
    """A bundle that was taken out of service, and why; kept until the aggregator has been told."""

    digest: str
    attempt: int
    rollout: int | None
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """The bundle to load now."""

    path: Path
    digest: str
    """SHA-256 of the file; empty if the shipped bundle cannot be read."""
    slot: str
    """``a``, ``b`` or ``shipped``."""
    on_probation: bool
    attempt: int
    """Of the bundle on probation; 0 otherwise."""
    rollout: int | None
    rolled_back: RolledBack | None
    """What was rolled back and has not been told yet; say so with ``ModelStore.told``."""
