"""The queue of trainings: who asked for what, how far it is, what became of it."""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from aggregator.domain import trainings as rules
from aggregator.domain.training_progress import Progress
from aggregator.errors import TrainingError, UnknownTrainingError
from aggregator.store import trainings as store
from aggregator.store.database import Database

PERSON, SCHEDULE = "person", "schedule"
LONGEST_ERROR: Final = 4000
LONGEST_WHO: Final = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingView:
    """A training and what became of it."""

    id: int
    state: str
    """One of ``domain.trainings.STATES``."""
    trigger: str
    """``person`` or ``schedule``."""
    who: str
    asked_s: float
    started_s: float | None
    ended_s: float | None
    cancel_asked_s: float | None
    cancelled_by: str | None
    attempts: int
    """How often it was begun; more than once if its process was killed."""
    pid: int | None
    """The process that works for it now."""
    pid_ticks: int | None
    progress: Progress
    error: str | None
    snapshot_id: int | None
    release_id: int | None
    """What came out of it."""

    @property
    def ended(self) -> bool:
        """Whether nothing more will come."""
        return self.state in rules.ENDED


class RetrainService:
    """Safe for use by many threads and processes; one process at a time works the queue off."""

    def __init__(
        self,
        database: Database,
        *,
        missing: Callable[[], str | None] = lambda: None,
        now: Callable[[], float] = time.time,
    ) -> None:
        """``missing`` says what has to be done before this machine can train; None: nothing."""
        self._database = database
        self._now = now
        self.missing = missing

    def ask(self, who: str, trigger: str = PERSON) -> TrainingView:
        """Ask for a training. One that waits already is enough for everybody: that one is given back.

        Raises ``TrainingError`` where this machine cannot train.
        """
        if (missing := self.missing()) is not None:
            raise TrainingError(missing)
        row = {
            "state": rules.WAITING, "trigger": trigger, "who": who[:LONGEST_WHO], "asked_s": self._now(),
            "attempts": 0,
        }  # fmt: skip
        with self._database.write() as connection:
            store.lock(connection)
            waiting = store.in_states(connection, [rules.WAITING])
            training_id = waiting[0].id if waiting else store.add(connection, row)
        return self.get(training_id)

    def cancel(self, training_id: int, who: str) -> TrainingView:
        """Cancel a training: at once if it waits, else as soon as its process has been told.

        Raises ``UnknownTrainingError``, or ``TrainingError`` if it has ended.
        """
        with self._database.write() as connection:
            store.lock(connection)
            row = _known(store.by_id(connection, training_id), training_id)
            if row.state in rules.ENDED:
                raise TrainingError(f"training {training_id} has ended already: it is {row.state}")
            values: dict[str, Any] = {"cancel_asked_s": self._now(), "cancelled_by": who[:LONGEST_WHO]}
            if row.state == rules.WAITING:
                values |= {"state": rules.move(row.state, rules.CANCELLED), "ended_s": self._now()}
            store.change(connection, training_id, **values)
        return self.get(training_id)

    def get(self, training_id: int) -> TrainingView:
        """A training; ``UnknownTrainingError`` if there is none of that number."""
        with self._database.read() as connection:
            return training_view(_known(store.by_id(connection, training_id), training_id))

    def newest(self, limit: int = 20) -> list[TrainingView]:
        """The trainings asked for last, newest first."""
        with self._database.read() as connection:
            rows = store.newest(connection, limit)
        return [training_view(row) for row in rows]

    def unfinished(self) -> list[TrainingView]:
        """The trainings that wait or are worked on, the oldest first."""
        with self._database.read() as connection:
            rows = store.in_states(connection, [rules.WAITING, *rules.ACTIVE])
        return [training_view(row) for row in rows]

    def last_scheduled_s(self) -> float | None:
        """When the schedule asked for a training the last time."""
        with self._database.read() as connection:
            return store.last_of_trigger(connection, SCHEDULE)

    # What follows is for the process that works the queue off.

    def begin(self, training_id: int) -> TrainingView:
        """Count another attempt; a training that waited starts now. ``TrainingError`` if it may not."""
        with self._database.write() as connection:
            store.lock(connection)
            row = _known(store.by_id(connection, training_id), training_id)
            values: dict[str, Any] = {"attempts": row.attempts + 1}
            if row.state not in rules.ACTIVE:
                values |= {"state": rules.move(row.state, rules.FREEZING), "started_s": self._now()}
            store.change(connection, training_id, **values)
        return self.get(training_id)

    def move(self, training_id: int, state: str, **values: Any) -> None:
        """Go on to ``state``; with ``values`` for other columns. ``TrainingError`` if it may not."""
        with self._database.write() as connection:
            store.lock(connection)
            row = _known(store.by_id(connection, training_id), training_id)
            if state in rules.ENDED:
                values |= {"ended_s": self._now(), "pid": None, "pid_ticks": None}
            store.change(connection, training_id, state=rules.move(row.state, state), **values)

    def fail(self, training_id: int, state: str, error: str) -> None:
        """End in ``state``, with the reason."""
        self.move(training_id, state, error=error[-LONGEST_ERROR:])

    def pause(self, training_id: int) -> None:
        """The process stops in good order: what it has begun does not count as an attempt."""
        with self._database.write() as connection:
            row = _known(store.by_id(connection, training_id), training_id)
            store.change(connection, training_id, attempts=max(row.attempts - 1, 0), pid=None, pid_ticks=None)

    def tell(self, training_id: int, progress: Progress) -> bool:
        """Show how far a training is; whether somebody wants it cancelled."""
        with self._database.write() as connection:
            store.change(connection, training_id, progress=json.dumps(progress.to_plain()))
            return _known(store.by_id(connection, training_id), training_id).cancel_asked_s is not None

    def cancel_asked(self, training_id: int) -> bool:
        """Whether somebody wants a training cancelled."""
        return self.get(training_id).cancel_asked_s is not None

    def works_as(self, training_id: int, pid: int | None, pid_ticks: int | None) -> None:
        """Which process works for a training now, so that a successor finds what was left of it."""
        with self._database.write() as connection:
            store.change(connection, training_id, pid=pid, pid_ticks=pid_ticks)


def training_view(row: Any) -> TrainingView:
    """The view of a row."""
    return TrainingView(
        id=row.id,
        state=row.state,
        trigger=row.trigger,
        who=row.who,
        asked_s=row.asked_s,
        started_s=row.started_s,
        ended_s=row.ended_s,
        cancel_asked_s=row.cancel_asked_s,
        cancelled_by=row.cancelled_by,
        attempts=row.attempts,
        pid=row.pid,
        pid_ticks=row.pid_ticks,
        progress=Progress.from_plain(json.loads(row.progress)) if row.progress else Progress(),
        error=row.error,
        snapshot_id=row.snapshot_id,
        release_id=row.release_id,
    )


def _known(row: Any | None, training_id: int) -> Any:
    if row is None:
        raise UnknownTrainingError(f"there is no training {training_id}")
    return row
