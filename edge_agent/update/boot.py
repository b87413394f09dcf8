"""What to load when the agent starts. Pure: where the bundles lie is asked through a function."""

from collections.abc import Callable
from dataclasses import dataclass

from edge_agent.update.pointer import Held, Pointer, rolled_back, started

DAMAGED = "its file on this node is damaged or gone"


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What the pointer file must say before the bundle is loaded, and which bundle that is."""

    pointer: Pointer
    held: Held | None
    """None: the shipped bundle."""


def decide(
    pointer: Pointer, lies_here: Callable[[str], bool], crashes_most: int, complaint: Callable[[str], str]
) -> Decision:
    """The bundle on probation unless it crashed too often, else the one in service, before, or shipped.

    ``complaint`` says why a confirmed bundle is not started any more; empty: it may be.
    """
    probation = pointer.probation
    if probation is not None:
        reason = _against(pointer, probation, lies_here, crashes_most)
        if not reason:
            return Decision(pointer=started(pointer), held=probation)
        pointer = rolled_back(pointer, probation.digest, reason, again=reason == DAMAGED)
    while pointer.in_service is not None:
        digest = pointer.in_service.digest
        reason = complaint(digest) if lies_here(digest) else DAMAGED
        if not reason:
            break
        pointer = rolled_back(pointer, digest, reason, again=reason == DAMAGED)
    return Decision(pointer=pointer, held=pointer.in_service)


def without_disk(pointer: Pointer, lies_here: Callable[[str], bool]) -> Held | None:
    """What to load if nothing can be written: never one on probation, for its starts could not be counted."""
    if pointer.in_service is None:
        return None
    both = (pointer.in_service, pointer.before)
    return next((held for held in both if held is not None and lies_here(held.digest)), None)


def _against(pointer: Pointer, held: Held, lies_here: Callable[[str], bool], crashes_most: int) -> str:
    if pointer.starts > crashes_most:
        times = "once" if pointer.starts == 1 else f"{pointer.starts} times"
        return f"crashed {times} on probation"
    return "" if lies_here(held.digest) else DAMAGED
