"""The registry: every bundle that came out of a training, what was measured of it, who decided what."""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection

from aggregator.domain import releases as rules
from aggregator.domain.figures import Figures, in_words_of, read_figures, shared
from aggregator.domain.gate_limits import Limits
from aggregator.domain.releases import Verdict
from aggregator.errors import ReleaseError, UnknownReleaseError
from aggregator.services import audit
from aggregator.services import release_files as files
from aggregator.services.release_views import (
    Comparison,
    DecisionView,
    ReleaseDetail,
    ReleaseView,
    decision_view,
    release_view,
)
from aggregator.store import releases as store
from aggregator.store import review_labels
from aggregator.store.database import Database
from contract.bundle import Bundle

GATE: Final = "gate"
SETTINGS: Final = "settings"
LONGEST_WHO: Final = 64


class ReleaseService:
    """Keeps bundles below ``folder`` and what is known of them in the database. Nothing is overwritten.

    Safe for use by many threads.
    """

    def __init__(
        self,
        database: Database,
        folder: Path,
        *,
        limits: Limits | None = None,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._database = database
        self._folder = folder
        self._limits = limits or Limits()
        self._now = now

    def adopt(self, path: Path) -> ReleaseView:
        """Enter the bundle that the settings name, once; it counts as accepted. Raises ``ReleaseError``."""
        bundle = files.keep(self._folder, path)
        reason = "the bundle that the settings name"
        with self._database.write() as connection:
            store.lock(connection)
            if store.add(connection, _row(bundle, passed=True, registered_s=self._now())):
                self._enter(connection, bundle.digest, rules.ACCEPT, SETTINGS, reason, over_refusal=False)
        return self._of_digest(bundle.digest)

    def register(
        self, path: Path, *, parent: ReleaseView, snapshot_id: int, training_id: int, verdict: Verdict
    ) -> ReleaseView:
        """Enter a candidate with its lineage and its verdict; one that is known already stays as it is."""
        bundle = files.keep(self._folder, path)
        if bundle.manifest.frontend_digest != parent.frontend_digest:
            raise ReleaseError("the candidate has another front end than the model in service")
        row = _row(bundle, passed=verdict.passed, registered_s=self._now()) | {
            "parent_id": parent.id,
            "snapshot_id": snapshot_id,
            "training_id": training_id,
            "verdict": json.dumps(verdict.to_plain()),
        }
        with self._database.write() as connection:
            store.add(connection, row)
        return self._of_digest(bundle.digest)

    def record(self, release_id: int, snapshot_id: int, figures: Mapping[str, Any]) -> None:
        """Keep what was measured of a release on a snapshot."""
        row = {
            "release_id": release_id, "snapshot_id": snapshot_id,
            "figures": json.dumps(figures, allow_nan=False), "judged_s": self._now(),
        }  # fmt: skip
        with self._database.write() as connection:
            store.add_judgement(connection, row)

    def recorded(self, release_id: int, snapshot_id: int) -> Mapping[str, Any] | None:
        """What ``record`` kept; None if the release was not judged on that snapshot."""
        with self._database.read() as connection:
            row = store.judgement(connection, release_id, snapshot_id)
        return None if row is None else json.loads(row.figures)

    def in_service(self) -> ReleaseView | None:
        """The newest accepted release; None before there is one."""
        return next((one for one in self.every() if one.in_service), None)

    def every(self) -> list[ReleaseView]:
        """All releases, newest first."""
        with self._database.read() as connection:
            return _views(store.every(connection), store.decisions(connection))

    def detail(self, release_id: int) -> ReleaseDetail:
        """A release in full; ``UnknownReleaseError`` if there is none of that number."""
        with self._database.read() as connection:
            row = _known(store.by_id(connection, release_id), release_id)
            views = _views(store.every(connection), store.decisions(connection))
            decisions = store.decisions(connection, release_id)
            mine, parents = (
                store.judgement(connection, one, row.snapshot_id) if one and row.snapshot_id else None
                for one in (row.id, row.parent_id)
            )
        return ReleaseDetail(
            view=next(one for one in views if one.id == release_id),
            parent=next((one for one in views if one.id == row.parent_id), None),
            children=tuple(one for one in views if one.parent_id == release_id),
            verdict=Verdict.from_plain(json.loads(row.verdict)) if row.verdict else None,
            decisions=tuple(decision_view(one) for one in decisions),
            candidate=_figures(mine),
            incumbent=_figures(parents),
        )

    def compare(self, candidate_id: int, incumbent_id: int) -> Comparison:
        """What the gate says of one release against another, on the items that both were asked.

        Raises ``UnknownReleaseError``, or ``ReleaseError`` if one of them was never judged.
        """
        with self._database.read() as connection:
            for one in (candidate_id, incumbent_id):
                _known(store.by_id(connection, one), one)
            views = {one.id: one for one in _views(store.every(connection), store.decisions(connection))}
            both = store.judged_snapshots(connection, candidate_id) & store.judged_snapshots(
                connection, incumbent_id
            )
            rows = [
                store.judgement(connection, one, max(both, default=None))
                for one in (candidate_id, incumbent_id)
            ]
            meant = review_labels.meant(connection)
        figures = [_figures(row) for row in rows]
        first, second = figures
        if first is None or second is None:
            unjudged = candidate_id if first is None else incumbent_id
            raise ReleaseError(f"release {unjudged} was never judged, so there is nothing to compare")
        first, second = shared(first, in_words_of(second, first.labels, meant))
        return Comparison(
            candidate=views[candidate_id],
            incumbent=views[incumbent_id],
            verdict=rules.judge(first, second, self._limits),
            candidate_figures=first,
            incumbent_figures=second,
            same_snapshot=bool(both),
        )

    def decide(self, release_id: int, decision: str, *, who: str, reason: str = "") -> DecisionView:
        """Accept or refuse a release.

        Raises ``UnknownReleaseError``, or ``ReleaseError`` where it may not be decided on so.
        """
        with self._database.write() as connection:
            store.lock(connection)
            row = _known(store.by_id(connection, release_id), release_id)
            made = [one.decision for one in store.decisions(connection, release_id)]
            said = rules.check_decision(decision, passed=row.passed, decisions=made, reason=reason)
            refused = rules.state_of(passed=row.passed, decisions=made) == rules.REFUSED
            over = decision == rules.ACCEPT and refused
            self._enter(connection, row.digest, decision, who, said, over_refusal=over)
            told = {"number": release_id, "release": row.digest, "reason": said, "over_refusal": over}
            audit.enter(connection, who, f"release.{decision}", told, self._now())
            return decision_view(store.decisions(connection, release_id)[-1])

    def bundle_path(self, digest: str) -> Path:
        """Where the bundle of a release lies."""
        return files.path_of(self._folder, digest)

    def _enter(
        self, connection: Connection, digest: str, decision: str, who: str, reason: str, *, over_refusal: bool
    ) -> None:
        row = store.by_digest(connection, digest)
        assert row is not None  # noqa: S101
        store.add_decision(
            connection,
            {
                "release_id": row.id, "decision": decision, "who": who[:LONGEST_WHO], "reason": reason,
                "over_refusal": over_refusal, "decided_s": self._now(),
            },
        )  # fmt: skip

    def _of_digest(self, digest: str) -> ReleaseView:
        return next(one for one in self.every() if one.digest == digest)


def _views(rows: Sequence[Any], decisions: Sequence[Any]) -> list[ReleaseView]:
    """Views of ``rows`` from the decisions on all releases, the oldest first."""
    of_release: dict[int, list[Any]] = {row.id: [] for row in rows}
    for decision in decisions:
        of_release[decision.release_id].append(decision)
    accepted = {
        key: made[-1].id for key, made in of_release.items() if made and made[-1].decision == rules.ACCEPT
    }
    newest = max(accepted, key=lambda key: accepted[key], default=None)
    return [release_view(row, of_release[row.id], in_service_id=newest) for row in rows]


def _row(bundle: Bundle, *, passed: bool, registered_s: float) -> dict[str, Any]:
    manifest = bundle.manifest
    return {
        "name": manifest.name,
        "version": manifest.version,
        "digest": bundle.digest,
        "frontend_digest": manifest.frontend_digest,
        "recipe": manifest.recipe,
        "labels": json.dumps(manifest.labels, ensure_ascii=False),
        "metrics": json.dumps(dict(manifest.metrics)),
        "size_bytes": sum(len(content) for content in bundle.files.values()),
        "passed": passed,
        "registered_s": registered_s,
    }


def _figures(row: Any | None) -> Figures | None:
    return None if row is None else read_figures(json.loads(row.figures))


def _known(row: Any | None, release_id: int) -> Any:
    if row is None:
        raise UnknownReleaseError(f"there is no release {release_id}")
    return row
