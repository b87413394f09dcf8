"""Starts of the bundle in service that came to nothing: a confirmed model, too, may crash. Pure."""

from dataclasses import dataclass, replace
from typing import Final

from contract.checks import hexadecimal, text, whole
from contract.record import Record, checked

SCHEMA: Final = 1
STEADY_S: Final = 120.0
"""An agent that ran so long did not end because of its start."""
MOST: Final = 5
"""Short lives in a row, since the machine was switched on; then the bundle before is in service again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Starts(Record):
    """Counted before the bundle is loaded, and forgotten when the agent ran long enough or ended well."""

    schema: int = checked(whole(SCHEMA, SCHEMA), "version of the file", default=SCHEMA)
    digest: str = checked(hexadecimal(64), "SHA-256 of the bundle in service")
    power: str = checked(text(64, empty=True), "which time the machine is switched on: the kernel's boot id")
    count: int = checked(whole(0, 2**53), "starts in a row of which nothing better is known")


def counted(starts: Starts | None, digest: str, power: str) -> Starts:
    """With one start more."""
    return Starts(digest=digest, power=power, count=1 + _in_a_row(starts, digest, power))


def uncounted(starts: Starts) -> Starts:
    """The last start ended in good order."""
    return replace(starts, count=max(0, starts.count - 1))


def complaint(starts: Starts | None, digest: str, power: str) -> str:
    """Why the bundle is not started once more; empty: it may be.

    A machine that lost power in between says nothing against the bundle, however often that happens.
    """
    in_a_row = _in_a_row(starts, digest, power)
    if in_a_row < MOST:
        return ""
    return f"the agent ended {in_a_row} times in a row within {STEADY_S:.0f} s of its start"


def _in_a_row(starts: Starts | None, digest: str, power: str) -> int:
    same = starts is not None and (starts.digest, starts.power) == (digest, power)
    return starts.count if starts is not None and same else 0
