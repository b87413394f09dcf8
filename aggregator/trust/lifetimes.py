"""How long metadata is valid, and when it must be signed again."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

DAY_S: Final = 86_400.0
DUE_SHARE: Final = 1 / 3
"""Signed again once no more than this share of its time is left."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lifetimes:
    """Days from signing to expiry, for each role."""

    root_days: float = 365.0
    targets_days: float = 90.0
    snapshot_days: float = 7.0
    timestamp_days: float = 1.0


def expiry(now_s: float, days: float) -> datetime:
    """When what is signed now expires; whole seconds, as metadata has them.

    >>> expiry(0.5, 1.0).isoformat()
    '1970-01-02T00:00:00+00:00'
    """
    return datetime.fromtimestamp(int(now_s), UTC) + timedelta(seconds=int(days * DAY_S))


def is_due(expires: datetime, days: float, now_s: float) -> bool:
    """Whether metadata that is valid for ``days`` should be signed again.

    >>> is_due(expiry(0, 3), 3, now_s=1.9 * DAY_S), is_due(expiry(0, 3), 3, now_s=2.1 * DAY_S)
    (False, True)
    """
    return expires.timestamp() - now_s <= days * DAY_S * DUE_SHARE


def is_expired(expires: datetime, now_s: float) -> bool:
    """Whether nobody may trust it any more."""
    return expires.timestamp() <= now_s
