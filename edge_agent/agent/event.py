"""What the main loop tells the updater."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """``took_over``, ``confirmed``, ``rolled_back``, ``shadowed`` or ``withdrawn``, of which bundle."""

    kind: str
    digest: str
    reason: str = ""
    """Why it was rolled back."""
