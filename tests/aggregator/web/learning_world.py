"""Trainings and releases in memory, as far as pages ask for them."""

from dataclasses import replace

from aggregator.domain.training_progress import CurvePoint, Progress
from aggregator.errors import TrainingError, UnknownReleaseError, UnknownTrainingError
from aggregator.services.release_views import Comparison, DecisionView, ReleaseDetail, ReleaseView
from aggregator.services.retrain import TrainingView
from aggregator.services.snapshot import SnapshotView


def a_training(number: int, **changes: object) -> TrainingView:
    """A training that learns."""
    curve = tuple(
        CurvePoint(epoch=epoch, loss=1 / epoch, validation_accuracy=1 - 0.4 / epoch) for epoch in (1, 2, 3)
    )
    training = TrainingView(
        id=number, state="learning", trigger="person", who="mia", asked_s=1_700_000_000.0,
        started_s=1_700_000_001.0, ended_s=None, cancel_asked_s=None, cancelled_by=None, attempts=1, pid=7,
        pid_ticks=9, error=None, snapshot_id=None, release_id=None,
        progress=Progress(
            what="learning", done=3.0, total=4.0, epoch=3, epochs=4, remaining_s=61.0, curve=curve
        ),
    )  # fmt: skip
    return replace(training, **changes)  # type: ignore[arg-type]


class FakeRetrain:
    """Trainings by number."""

    def __init__(self) -> None:
        self.trainings: dict[int, TrainingView] = {}
        self.why_not: str | None = None

    def missing(self) -> str | None:
        return self.why_not

    def newest(self, limit: int = 20) -> list[TrainingView]:
        return [self.trainings[number] for number in sorted(self.trainings, reverse=True)][:limit]

    def get(self, training_id: int) -> TrainingView:
        if training_id not in self.trainings:
            raise UnknownTrainingError(f"there is no training {training_id}")
        return self.trainings[training_id]

    def ask(self, who: str, trigger: str = "person") -> TrainingView:
        if self.why_not:
            raise TrainingError(self.why_not)
        number = max(self.trainings, default=0) + 1
        self.trainings[number] = a_training(number, state="waiting", who=who, progress=Progress())
        return self.trainings[number]

    def cancel(self, training_id: int, who: str) -> TrainingView:
        cancelled = replace(self.get(training_id), state="cancelled", cancelled_by=who)
        self.trainings[training_id] = cancelled
        return cancelled


class FakeReleases:
    """No release yet."""

    def every(self) -> list[ReleaseView]:
        return []

    def detail(self, release_id: int) -> ReleaseDetail:
        raise UnknownReleaseError(f"there is no release {release_id}")

    def compare(self, candidate_id: int, incumbent_id: int) -> Comparison:
        raise UnknownReleaseError(f"there is no release {candidate_id}")

    def decide(self, release_id: int, decision: str, *, who: str, reason: str = "") -> DecisionView:
        raise UnknownReleaseError(f"there is no release {release_id}")


class FakeSnapshots:
    """No snapshot yet."""

    def find(self, snapshot_id: int) -> SnapshotView | None:
        return None
