"""What one look at the broker found."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that was tried."""

    what: str
    ok: bool
    says: str
    mend: str = ""
