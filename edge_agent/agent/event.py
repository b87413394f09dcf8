"""What the main loop tells the updater."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """``took_over``, ``confirmed``, ``rolled_back`` or ``shadowed``, of which bundle."""

    kind: str
    digest: str
    reason: str = ""
    """Why it was rolled back."""
