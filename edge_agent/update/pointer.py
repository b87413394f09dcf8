"""What the pointer file says: which bundle is in service, which on probation, which failed. Pure."""

# ruff: noqa: RUF009  (``checked`` only makes a field; it is not a default computed once)

from dataclasses import dataclass, replace
from typing import Final

from contract.checks import hexadecimal, optional, printable, sequence_of, text, whole
from contract.record import Record, checked, nested
from contract.updates import LONGEST_REASON

SCHEMA: Final = 1
_FAILURES_KEPT: Final = 30
_COUNT: Final = whole(0, 2**53)


@dataclass(frozen=True, slots=True, kw_only=True)
class Held(Record):
    """A bundle, and the order that brought it."""

    digest: str = checked(hexadecimal(64), "SHA-256 of the bundle")
    attempt: int = checked(_COUNT, "which attempt at it", default=0)
    rollout: int | None = checked(optional(_COUNT), "the rollout that wanted it", default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed(Record):
    """An attempt that is not begun again."""

    digest: str = checked(hexadecimal(64), "SHA-256 of the bundle")
    attempt: int = checked(_COUNT, "this attempt and those before have failed")
    reason: str = checked(text(LONGEST_REASON, empty=True), "why")
    rollout: int | None = checked(optional(_COUNT), "the rollout that wanted it", default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pointer(Record):
    """All that must survive; where a bundle lies is found by its content."""

    schema: int = checked(whole(SCHEMA, SCHEMA), "version of the file", default=SCHEMA)
    in_service: Held | None = checked(
        optional(nested(Held)), "confirmed; null: the shipped bundle", default=None
    )
    before: Held | None = checked(optional(nested(Held)), "in service before that", default=None)
    probation: Held | None = checked(optional(nested(Held)), "to be confirmed or rolled back", default=None)
    starts: int = checked(_COUNT, "of the bundle on probation, that have not ended well", default=0)
    failed: tuple[Failed, ...] = checked(
        sequence_of(nested(Failed), high=_FAILURES_KEPT), "attempts that failed, latest last", default=()
    )
    untold: Failed | None = checked(
        optional(nested(Failed)), "rolled back, and the aggregator does not know yet", default=None
    )


def begun(pointer: Pointer, held: Held) -> Pointer:
    """``held`` is on probation, and this is its first start."""
    return replace(pointer, probation=held, starts=1)


def started(pointer: Pointer) -> Pointer:
    """Once more."""
    return replace(pointer, starts=pointer.starts + 1)


def stopped(pointer: Pointer) -> Pointer:
    """The last start ended in good order."""
    return replace(pointer, starts=max(0, pointer.starts - 1))


def confirmed(pointer: Pointer) -> Pointer:
    """What was on probation is in service."""
    before = pointer.in_service
    if before is not None and pointer.probation is not None and before.digest == pointer.probation.digest:
        before = pointer.before
    return replace(pointer, in_service=pointer.probation, before=before, probation=None, starts=0)


def rolled_back(pointer: Pointer, digest: str, reason: str, *, again: bool = False) -> Pointer:
    """Without ``digest``, whether on probation or in service; as it was if it is neither.

    ``again``: the same attempt may be begun once more, for nothing speaks against the bundle itself.
    """
    held = _holding(pointer, digest)
    if held is None:
        return pointer
    failed = Failed(
        digest=digest, attempt=held.attempt, rollout=held.rollout, reason=printable(reason, LONGEST_REASON)
    )
    kept = pointer if again else _with(pointer, failed)
    if held is pointer.probation:
        return replace(kept, probation=None, starts=0, untold=failed)
    return replace(kept, in_service=pointer.before, before=None, untold=failed)


def refused(pointer: Pointer, digest: str, attempt: int, reason: str) -> Pointer:
    """The attempt failed before it came into service."""
    return _with(pointer, Failed(digest=digest, attempt=attempt, reason=printable(reason, LONGEST_REASON)))


def why_failed(pointer: Pointer, digest: str, attempt: int) -> str | None:
    """Why this attempt or a later one failed; None: it may be begun."""
    for failed in reversed(pointer.failed):
        if failed.digest == digest and failed.attempt >= attempt:
            return failed.reason
    return None


def told(pointer: Pointer) -> Pointer:
    """The aggregator will know."""
    return replace(pointer, untold=None)


def _holding(pointer: Pointer, digest: str) -> Held | None:
    for held in (pointer.probation, pointer.in_service):
        if held is not None and held.digest == digest:
            return held
    return None


def _with(pointer: Pointer, failed: Failed) -> Pointer:
    others = [other for other in pointer.failed if other.digest != failed.digest]
    return replace(pointer, failed=(*others, failed)[-_FAILURES_KEPT:])
