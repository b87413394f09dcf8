"""Works the queue of trainings off, one at a time, and asks for one by itself at night."""

import logging
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Final

from aggregator.domain import schedule
from aggregator.domain import trainings as states
from aggregator.domain.gate_limits import Limits
from aggregator.errors import AggregatorError, StoreError
from aggregator.services import release_files
from aggregator.services.releases import ReleaseService
from aggregator.services.retrain import SCHEDULE, RetrainService, TrainingView
from aggregator.services.snapshot import SnapshotService
from aggregator.settings import Training
from aggregator.training import processes
from aggregator.training.factory import StoppedError
from aggregator.training.work import Work

POLL_S: Final = 0.5
AFTER_STORE_ERROR_S: Final = 5.0
SCHEDULER: Final = "the schedule"
INTERRUPTED: Final = "its process was killed {attempts} times; ask for a new training"

_log = logging.getLogger(__name__)


class Trainer:
    """One per data folder; ``bootstrap.only_trainer`` sees to that."""

    def __init__(
        self,
        *,
        trainings: RetrainService,
        releases: ReleaseService,
        snapshots: SnapshotService,
        settings: Training,
        limits: Limits,
        folder: Path,
        now: Callable[[], datetime] = datetime.now,
    ) -> None:
        self._trainings = trainings
        self._releases = releases
        self._snapshots = snapshots
        self._settings = settings
        self._limits = limits
        self._folder = folder
        self._now = now
        self._looked: datetime | None = None

    def run(self, stopped: Callable[[], bool], *, until_idle: bool = False) -> None:
        """Work until ``stopped``, or ``until_idle``: until nothing waits."""
        ready = False
        while not stopped():
            try:
                if not ready:
                    self._recover()
                    ready = True
                self._ask_by_schedule()
                waiting = self._trainings.unfinished()
                if waiting:
                    self._work(waiting[0], stopped)
                elif until_idle:
                    return
                else:
                    time.sleep(POLL_S)
            except StoreError as error:
                _log.error("the database refuses: %s", error)
                ready = False
                time.sleep(AFTER_STORE_ERROR_S)

    def _recover(self) -> None:
        """Take over from a trainer that is gone, however it went."""
        self._adopt()
        self._snapshots.tidy()
        for training in self._trainings.unfinished():
            if training.state == states.WAITING:
                continue
            if training.pid is not None and training.pid_ticks is not None:
                processes.end_leftover(training.pid, training.pid_ticks)
            state = states.after_restart(
                training.state,
                attempts=training.attempts,
                attempts_most=self._settings.attempts,
                cancel_asked=training.cancel_asked_s is not None,
            )
            _log.info("training %d was %s when its process ended: %s", training.id, training.state, state)
            if state == states.INTERRUPTED:
                self._trainings.fail(training.id, state, INTERRUPTED.format(attempts=training.attempts))
            elif state in states.ENDED:
                self._trainings.move(training.id, state)
            if state in states.ENDED:
                self._work_of(training, lambda: False).clear()

    def _adopt(self) -> None:
        if self._settings.bundle:
            try:
                self._releases.adopt(Path(self._settings.bundle))
            except StoreError:
                raise
            except AggregatorError as error:
                _log.error("the bundle that the settings name cannot be used: %s", error)

    def _work(self, waiting: TrainingView, stopped: Callable[[], bool]) -> None:
        try:
            training = self._trainings.begin(waiting.id)
        except StoreError:
            raise
        except AggregatorError:
            return  # cancelled in this moment
        _log.info("training %d begins, attempt %d", training.id, training.attempts)
        work = self._work_of(training, stopped)
        try:
            work.run()
        except StoppedError:
            if not work.cancelled:
                self._trainings.pause(training.id)
                return
            self._trainings.move(training.id, states.CANCELLED)
        except StoreError:
            raise
        except (AggregatorError, OSError) as error:
            _log.error("training %d failed: %s", training.id, error)
            self._trainings.fail(training.id, states.FAILED, str(error))
        work.clear()
        _log.info("training %d has ended", training.id)

    def _work_of(self, training: TrainingView, stopped: Callable[[], bool]) -> Work:
        return Work(
            training,
            trainings=self._trainings,
            releases=self._releases,
            snapshots=self._snapshots,
            settings=self._settings,
            limits=self._limits,
            folder=self._folder,
            stopped=stopped,
        )

    def _ask_by_schedule(self) -> None:
        at = schedule.read_time(self._settings.nightly)
        if at is None:
            return
        now, last_s = self._now(), self._trainings.last_scheduled_s()
        asked = None if last_s is None else datetime.fromtimestamp(last_s)
        before = max((one for one in (asked, self._looked) if one is not None), default=None)
        if not schedule.due(now, at, before):
            return
        self._looked = now
        try:
            frontend_digest = release_files.read(Path(self._settings.bundle)).manifest.frontend_digest
            new = self._snapshots.new_labels(frontend_digest)
            _log.info("%d labels are new since the last snapshot", new)
            if new >= self._settings.nightly_labels:
                self._trainings.ask(SCHEDULER, SCHEDULE)
        except StoreError:
            raise
        except AggregatorError as error:
            _log.error("no training tonight: %s", error)
