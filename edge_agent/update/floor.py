"""Trusted time and versions for a node whose clock may be anything. Pure.

The floor is the latest moment at which signed metadata was seen to be valid. A clock behind it is replaced by
it. It moves with the clock only when everything signed was unexpired at that clock, so a clock that
jumps years ahead cannot move it by more than the shortest life of the metadata.

The versions seen are kept here too: they outlive the metadata cache, which may be thrown away.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from contract.checks import hexadecimal, mapping_of, real, sequence_of, whole
from contract.record import Record, checked, nested


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen(Record):
    """The latest version of a role's metadata, and whose signatures counted for it."""

    version: int = checked(whole(1, 2**53), "of the metadata")
    keys: tuple[str, ...] = checked(sequence_of(hexadecimal(64), high=50), "key ids of the role, sorted")


@dataclass(frozen=True, slots=True, kw_only=True)
class Floor(Record):
    """What time and versions it is at least."""

    time_s: float = checked(real(0, 1e11), "seconds since 1970")
    seen: Mapping[str, Seen] = checked(mapping_of(nested(Seen), limit=10), "role → its latest metadata")


FIRST: Final = Floor(time_s=1_764_547_200.0, seen={})
"""December 2025: no metadata of ours is older."""


def reference_s(floor: Floor, clock_s: float) -> float:
    """The time to judge expiry by."""
    return max(floor.time_s, clock_s)


def objection(floor: Floor, seen: Mapping[str, Seen]) -> str:
    """Why verified metadata is not believed all the same; empty: it is.

    After a change of a role's keys its versions may begin anew: that is how a fleet recovers when stolen keys
    have signed huge ones.
    """
    for role, now in seen.items():
        before = floor.seen.get(role)
        if before is not None and now.keys == before.keys and now.version < before.version:
            return f"{role} has version {now.version}, version {before.version} was seen before"
    return ""


def moved(floor: Floor, at_s: float, seen: Mapping[str, Seen]) -> Floor:
    """The floor after metadata was verified, all of it unexpired ``at_s``."""
    return Floor(time_s=max(floor.time_s, at_s), seen={**floor.seen, **seen})
