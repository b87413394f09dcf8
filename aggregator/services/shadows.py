"""What candidates made of what nodes heard, beside the model in service."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from aggregator.domain.rollouts.agreement import Agreement, together
from aggregator.store import updates as store
from aggregator.store.database import Database

SHOWN: Final = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class DisagreementView:
    """A detection that only one of two models made."""

    id: int
    node: str
    kind: str
    """``gained`` by the candidate, or ``lost``."""
    label: str
    posterior: float
    """Of the model in service."""
    candidate_posterior: float
    start_s: float
    end_s: float
    window_id: int | None
    """The window that came with it; None if none did."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ShadowView:
    """What shadows of one release heard."""

    release: str
    total: Agreement
    by_node: tuple[tuple[str, Agreement], ...]
    """Those that agree least first."""


class ShadowService:
    """Adds up. Safe for use by many threads."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def of_release(self, release: str) -> ShadowView | None:
        """What shadows of a release heard; None if none has reported."""
        with self._database.read() as connection:
            rows = store.shadows_of(connection, release)
        if not rows:
            return None
        nodes: dict[str, list[Any]] = {}
        for row in rows:
            nodes.setdefault(row.node, []).append(row)
        by_node = [(name, _of_node(mine)) for name, mine in nodes.items()]
        by_node.sort(key=lambda one: (1.0 if one[1].share is None else one[1].share, one[0]))
        total = together(one for _, one in by_node)
        return ShadowView(release=release, total=total, by_node=tuple(by_node))

    def disagreements(
        self, release: str, *, label: str = "", kind: str = "gained", limit: int = SHOWN
    ) -> list[DisagreementView]:
        """Detections that only one of two models made, the surest first."""
        with self._database.read() as connection:
            rows = store.disagreements_of(connection, release, label, kind, limit)
        return [
            DisagreementView(
                id=row.id, node=row.node, kind=row.kind, label=row.label, posterior=row.posterior,
                candidate_posterior=row.candidate_posterior, start_s=row.start_s, end_s=row.end_s,
                window_id=row.window_id,
            )
            for row in rows
        ]  # fmt: skip


def _of_node(rows: Sequence[Any]) -> Agreement:
    found = Agreement(nodes=1)
    for row in rows:
        found.seconds += row.end_s - row.start_s
        found.steps += row.steps
        found.agreed += row.agreed
        found.skipped += row.skipped
        found.cpu_percent = max(found.cpu_percent, row.cpu_percent)
        for name, counts in json.loads(row.counts).items():
            found.add(name, counts)
    return found
