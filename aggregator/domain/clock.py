"""When something was heard, by a clock that may be wrong.

A node without a clock battery may wake in 1970. Its wall clock is believed unless it cannot be right; then
the steady clock says how long ago the message was made, measured from the boot's ``epoch_s``: the
aggregator's time at which that steady clock read zero.
"""

from dataclasses import dataclass
from typing import Final

EARLIEST_WALL_S: Final = 1_735_689_600.0
"""2025-01-01: this program did not exist before."""

FUTURE_TOLERANCE_S: Final = 300.0
LONGEST_EVENT_S: Final = 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A stretch of time, seconds since 1970."""

    start_s: float
    end_s: float
    trusted: bool
    """Whether the node's own clock was believed."""


def plausible(wall_s: float, received_s: float) -> bool:
    """Whether a node's clock can be right about something that was received at ``received_s``.

    >>> plausible(12.0, 1_800_000_000.0), plausible(1_799_999_990.0, 1_800_000_000.0)
    (False, True)
    """
    return EARLIEST_WALL_S <= wall_s <= received_s + FUTURE_TOLERANCE_S


def epoch_s(earlier: float | None, *, monotonic_s: float, received_s: float) -> float:
    """When the node's steady clock read zero; the message that travelled fastest says it best."""
    now = received_s - monotonic_s
    return now if earlier is None else min(earlier, now)


def settle(
    *,
    start_s: float,
    end_s: float,
    wall_s: float,
    monotonic_s: float,
    received_s: float,
    boot_epoch_s: float | None,
) -> Span:
    """When something was heard, as well as can be known.

    >>> settle(start_s=10.0, end_s=11.0, wall_s=11.5, monotonic_s=5.0, received_s=1_800_000_100.0,
    ...        boot_epoch_s=1_800_000_000.0)
    Span(start_s=1800000003.5, end_s=1800000004.5, trusted=False)
    """
    if all(plausible(moment, received_s) for moment in (start_s, end_s, wall_s)):
        return Span(start_s=start_s, end_s=end_s, trusted=True)
    made_s = received_s if boot_epoch_s is None else min(boot_epoch_s + monotonic_s, received_s)
    # The clock may have been set between the sound and the message: then their distance means nothing.
    age_s = wall_s - end_s if 0 <= wall_s - end_s <= LONGEST_EVENT_S else 0.0
    length_s = end_s - start_s if end_s - start_s <= LONGEST_EVENT_S else 0.0
    return Span(start_s=made_s - age_s - length_s, end_s=made_s - age_s, trusted=False)
