"""The messages about an update, each from what it is about."""

from collections.abc import Callable

from contract.checks import printable
from contract.updates import LONGEST_REASON, Desired, Disagreement, Shadow, Update
from edge_agent.agent.reporting import Identity
from edge_agent.swap import Difference, Tally


def update(
    identity: Identity, desired: Desired, phase: str, reason: str, *, done_bytes: int, total_bytes: int,
    seconds: float,
) -> Callable[[int], Update]:  # fmt: skip
    """How to make the message of how far an update is; ``identity`` is of the model in service."""
    now = identity.now()

    def build(sequence: int) -> Update:
        return Update(
            **now,
            sequence=sequence,
            release=desired.release or identity.bundle_digest,
            rollout=desired.rollout,
            attempt=desired.attempt,
            phase=phase,
            reason=printable(reason, LONGEST_REASON),
            model=identity.manifest.model,
            done_bytes=done_bytes,
            total_bytes=total_bytes,
            seconds=seconds,
        )

    return build


def disagreement(
    service: Identity, candidate: Identity, difference: Difference
) -> Callable[[int], Disagreement]:
    """How to make the message of a detection that only one of two models made."""
    now, one = service.now(), difference.heard

    def build(sequence: int) -> Disagreement:
        return Disagreement(
            **now,
            sequence=sequence,
            release=candidate.bundle_digest,
            model=service.manifest.model,
            candidate=candidate.manifest.model,
            kind=difference.kind,
            label=one.label,
            posterior=difference.posterior,
            candidate_posterior=difference.candidate_posterior,
            start_s=max(0.0, one.start_s),
            end_s=max(0.0, one.end_s),
        )

    return build


def shadow(
    service: Identity, candidate: Identity, tally: Tally, *, start_s: float, end_s: float, skipped: int,
    cpu_percent: float,
) -> Callable[[int], Shadow]:  # fmt: skip
    """How to make the summary of what a shadow heard."""
    now = service.now()

    def build(sequence: int) -> Shadow:
        return Shadow(
            **now,
            sequence=sequence,
            release=candidate.bundle_digest,
            model=service.manifest.model,
            candidate=candidate.manifest.model,
            start_s=max(0.0, start_s),
            end_s=max(0.0, end_s),
            steps=tally.steps,
            agreed=tally.agreed,
            skipped=skipped,
            both=dict(tally.both),
            gained=dict(tally.gained),
            lost=dict(tally.lost),
            cpu_percent=cpu_percent,
        )

    return build
