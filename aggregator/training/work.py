"""One training from its snapshot to its verdict. Each step leaves a file: what is there is not done again."""

import hashlib
import json
import logging
import shutil
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from aggregator.domain import releases as gate
from aggregator.domain import trainings as states
from aggregator.domain.figures import in_words_of, read_figures
from aggregator.domain.gate_limits import Limits
from aggregator.domain.training_progress import Progress, after_line, begin
from aggregator.errors import TrainingError
from aggregator.services import factory_command, release_files
from aggregator.services.release_views import ReleaseView
from aggregator.services.releases import GATE, ReleaseService
from aggregator.services.retrain import RetrainService, TrainingView
from aggregator.services.snapshot import Base, SnapshotService
from aggregator.settings import Training
from aggregator.training.child import Bounds
from aggregator.training.factory import Factory, StoppedError

TELL_EVERY_S: Final = 1.0
ACCEPT_AT_ONCE: Final = "gate"

_log = logging.getLogger(__name__)


class Work:
    """Does one training. ``stopped`` says that the whole program should stop."""

    def __init__(
        self,
        training: TrainingView,
        *,
        trainings: RetrainService,
        releases: ReleaseService,
        snapshots: SnapshotService,
        settings: Training,
        limits: Limits,
        folder: Path,
        stopped: Callable[[], bool],
    ) -> None:
        self._training = training
        self._trainings = trainings
        self._releases = releases
        self._snapshots = snapshots
        self._settings = settings
        self._limits = limits
        self._folder = folder / str(training.id)
        self._stopped = stopped
        self._progress = self._told = training.progress
        self._told_s = 0.0
        self._cancel = False

    def run(self) -> None:
        """Do what is left to do.

        Raises ``StoppedError`` if it was cancelled or the program stops, and any ``AggregatorError``.
        """
        command = factory_command.find(
            self._settings.command, base=self._settings.base, bundle=self._settings.bundle
        )
        if command.missing is not None:
            raise TrainingError(command.missing)
        factory = Factory(
            command.words,
            Bounds(memory_bytes=self._settings.memory_mb * 1_000_000, seconds=self._settings.hours * 3600),
            line=self._hear,
            end_wanted=self._end_wanted,
            started=lambda pid, ticks: self._trainings.works_as(self._training.id, pid, ticks),
        )
        self._folder.mkdir(parents=True, exist_ok=True)
        snapshot_id = self._freeze()
        candidate = self._learn(factory, snapshot_id)
        release = self._judge(factory, snapshot_id, candidate)
        self._trainings.move(self._training.id, states.FINISHED, release_id=release.id, error=None)

    @property
    def cancelled(self) -> bool:
        """Whether somebody asked for the end of this training."""
        return self._cancel

    def clear(self) -> None:
        """Remove the work folder of a training that has ended."""
        shutil.rmtree(self._folder, ignore_errors=True)

    def _freeze(self) -> int:
        if self._training.snapshot_id is not None:
            return self._training.snapshot_id
        self._begin("freezing the reviewed windows")
        bundle = release_files.read(Path(self._settings.bundle))
        base = Path(self._settings.base)
        snapshot = self._snapshots.freeze(
            Base(
                name=base.name,
                digest=file_digest(base),
                frontend_digest=bundle.manifest.frontend_digest,
                labels=bundle.manifest.labels,
            ),
            self._frozen,
        )
        self._trainings.move(self._training.id, states.LEARNING, snapshot_id=snapshot.id)
        return snapshot.id

    def _learn(self, factory: Factory, snapshot_id: int) -> Path:
        candidate = self._folder / "candidate.bundle"
        if not candidate.exists():
            self._begin("learning")
            factory.retrain(
                base=Path(self._settings.base),
                snapshot=self._snapshots.path(snapshot_id),
                work=self._folder / "work",
                epochs=self._settings.epochs,
                out=candidate,
            )
        self._trainings.move(self._training.id, states.JUDGING)
        return candidate

    def _judge(self, factory: Factory, snapshot_id: int, candidate: Path) -> ReleaseView:
        incumbent = self._releases.in_service()
        if incumbent is None:
            raise TrainingError("no release is in service to compare the candidate with")
        self._begin("measuring the candidate")
        mine = self._measure(factory, snapshot_id, candidate, "candidate")
        theirs = self._releases.recorded(incumbent.id, snapshot_id)
        if theirs is None:
            self._begin("measuring the model in service")
            path = self._releases.bundle_path(incumbent.digest)
            theirs = self._measure(factory, snapshot_id, path, "incumbent")
            self._releases.record(incumbent.id, snapshot_id, theirs)
        self._begin("applying the rules")
        candidate_figures = read_figures(mine)
        incumbent_figures = in_words_of(
            read_figures(theirs), candidate_figures.labels, self._snapshots.meant()
        )
        verdict = gate.judge(candidate_figures, incumbent_figures, self._limits)
        release = self._releases.register(
            candidate,
            parent=incumbent,
            snapshot_id=snapshot_id,
            training_id=self._training.id,
            verdict=verdict,
        )
        self._releases.record(release.id, snapshot_id, mine)
        if self._settings.accept == ACCEPT_AT_ONCE and release.state == gate.WAITING:
            self._releases.decide(release.id, gate.ACCEPT, who=GATE, reason="passed every rule")
        return release

    def _measure(self, factory: Factory, snapshot_id: int, bundle: Path, name: str) -> Mapping[str, Any]:
        out = self._folder / f"{name}.json"
        if not out.exists():
            factory.judge(
                bundle=bundle,
                base=Path(self._settings.base),
                snapshot=self._snapshots.path(snapshot_id),
                out=out,
            )
        try:
            plain: Mapping[str, Any] = json.loads(out.read_bytes())
        except (OSError, ValueError) as error:
            raise TrainingError(f"the figures of the {name} cannot be read: {error}") from error
        if read_figures(plain).bundle_digest != release_files.read(bundle).digest:
            raise TrainingError(f"the figures of the {name} are those of another bundle")
        return plain

    def _begin(self, what: str) -> None:
        self._show(begin(what, curve=self._progress.curve))
        self._heed()

    def _frozen(self, done: int, total: int) -> None:
        self._show(replace(self._progress, done=float(done), total=float(total)))
        self._heed()

    def _heed(self) -> None:
        """Leave if somebody wants the end: a child may have ended before it was asked to."""
        if self._cancel or self._stopped():
            raise StoppedError

    def _hear(self, line: Any) -> None:
        self._progress = after_line(self._progress, line)

    def _end_wanted(self) -> bool:
        if time.monotonic() - self._told_s >= TELL_EVERY_S:
            if self._progress == self._told:
                # Each write is synced, and ingest waits for its turn: nothing is written without news.
                self._told_s = time.monotonic()
                self._cancel = self._trainings.cancel_asked(self._training.id)
            else:
                self._show(self._progress)
        return self._cancel or self._stopped()

    def _show(self, progress: Progress) -> None:
        self._progress = self._told = progress
        self._told_s = time.monotonic()
        self._cancel = self._trainings.tell(self._training.id, progress) or self._cancel


def file_digest(path: Path) -> str:
    """SHA-256 of a file of any size; ``TrainingError`` if it cannot be read."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise TrainingError(f"{path}: {error.strerror or error}") from error
