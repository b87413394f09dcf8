"""Releases, as pages and commands show them."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from aggregator.domain.figures import Figures
from aggregator.domain.releases import Verdict, state_of
from contract.manifest import model_name


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionView:
    """What somebody decided on a release."""

    decision: str
    """``accept`` or ``refuse``."""
    who: str
    reason: str
    over_refusal: bool
    """Whether it was accepted although it was refused."""
    decided_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseView:
    """A bundle that nodes run, may run, or shall not run."""

    id: int
    name: str
    version: str
    digest: str
    frontend_digest: str
    recipe: str
    labels: tuple[str, ...]
    metrics: Mapping[str, float]
    size_bytes: int
    parent_id: int | None
    """The release that it was compared with when it was made."""
    snapshot_id: int | None
    training_id: int | None
    registered_s: float
    passed: bool
    """What the gate said."""
    state: str
    """``waiting`` for a person, ``accepted`` or ``refused``."""
    decided_by: str | None
    decided_s: float | None
    in_service: bool

    @property
    def model(self) -> str:
        """As messages name it."""
        return model_name(self.name, self.version)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseDetail:
    """A release in full."""

    view: ReleaseView
    parent: ReleaseView | None
    children: tuple[ReleaseView, ...]
    verdict: Verdict | None
    """None of the bundle that the settings name."""
    decisions: tuple[DecisionView, ...]
    """The oldest first."""
    candidate: Figures | None
    incumbent: Figures | None
    """What was measured of both when the verdict was made."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """One release held against another, on what both were asked."""

    candidate: ReleaseView
    incumbent: ReleaseView
    verdict: Verdict
    candidate_figures: Figures
    incumbent_figures: Figures
    same_snapshot: bool
    """False: they were judged on different snapshots, and only what those share was compared."""


def release_view(row: Any, decisions: Sequence[Any], *, in_service_id: int | None) -> ReleaseView:
    """The view of a row; ``decisions`` are those of the release, the oldest first."""
    last = decisions[-1] if decisions else None
    return ReleaseView(
        id=row.id,
        name=row.name,
        version=row.version,
        digest=row.digest,
        frontend_digest=row.frontend_digest,
        recipe=row.recipe,
        labels=tuple(json.loads(row.labels)),
        metrics=json.loads(row.metrics),
        size_bytes=row.size_bytes,
        parent_id=row.parent_id,
        snapshot_id=row.snapshot_id,
        training_id=row.training_id,
        registered_s=row.registered_s,
        passed=row.passed,
        state=state_of(passed=row.passed, decisions=[one.decision for one in decisions]),
        decided_by=last.who if last else None,
        decided_s=last.decided_s if last else None,
        in_service=row.id == in_service_id,
    )


def decision_view(row: Any) -> DecisionView:
    """The view of a row."""
    return DecisionView(
        decision=row.decision,
        who=row.who,
        reason=row.reason,
        over_refusal=row.over_refusal,
        decided_s=row.decided_s,
    )
