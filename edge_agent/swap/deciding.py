"""What to do about what is desired. Pure."""

from dataclasses import dataclass

from contract.updates import Desired


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """``rest``, ``dismiss`` what is tried now, ``refuse``, or ``install``."""

    action: str
    reason: str = ""
    """For those who are told."""


def decide(
    desired: Desired, *, in_service: str, tried: Desired | None, failed: str | None, shadowed: bool
) -> Decision:
    """``in_service`` is the digest of the bundle in service; ``tried`` the order whose bundle is a shadow or
    on probation; ``failed`` says why this attempt failed; ``shadowed``: it has been a shadow to its end."""
    if tried is not None:
        return _about(desired, tried)
    if desired.release is None or desired.release == in_service:
        return Decision(action="rest")
    if failed is not None:
        return Decision(action="refuse", reason=f"this attempt has failed before: {failed}")
    if desired.mode == "shadow" and shadowed:
        return Decision(action="rest")
    return Decision(action="install")


def supersedes(newer: Desired, desired: Desired) -> bool:
    """Whether work for ``desired`` is of no use any more: something else is wanted, or otherwise."""
    return _order(newer) != _order(desired)


def _about(desired: Desired, tried: Desired) -> Decision:
    if not supersedes(desired, tried):
        return Decision(action="rest")
    if desired.release is None:
        return Decision(action="dismiss", reason="the aggregator has withdrawn it")
    return Decision(action="dismiss", reason="the aggregator wants something else")


def _order(desired: Desired) -> tuple[str | None, int, str]:
    return desired.release, desired.attempt, desired.mode
