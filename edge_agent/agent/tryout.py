"""Begins trials and shadows, and writes down how they end: in the store, to the aggregator, in this order."""

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from contract.errors import ContractError
from contract.updates import Desired
from edge_agent import memory
from edge_agent.agent.candidate import Candidate
from edge_agent.agent.event import Event
from edge_agent.agent.handover import MakePublisher
from edge_agent.agent.reports import Reports
from edge_agent.agent.shadow_record import ShadowRecords
from edge_agent.agent.shadowing import Shadowing, Terms
from edge_agent.agent.stage import Guest, Stage
from edge_agent.agent.station import Keeps, Station
from edge_agent.agent.trial import Circumstances, Trial
from edge_agent.agent.watchdog import Watchdog
from edge_agent.errors import EdgeError
from edge_agent.swap import Limits, Measured
from edge_agent.update import Choice, ModelStore

_log = logging.getLogger("edge_agent.update")


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What of the agent a tryout works with."""

    station: Station
    stage: Stage
    outbox: Keeps
    load: Callable[[Path], Candidate]
    """A bundle, ready to be fed; ``EdgeError`` or ``ContractError`` says why not."""
    make_publisher: MakePublisher
    around: Circumstances
    announce: Callable[[], None]
    restart: Callable[[], Any]
    """Begin the agent anew, in the same process; does not return."""
    cost_factor_most: float
    crashes_most: int


class Tryout:
    """Works in the updater's thread; what it begins runs in the main loop and ends in an ``Event``."""

    def __init__(
        self, store: ModelStore, choice: Choice, agent: Surroundings, reports: Reports,
        shadows: ShadowRecords, last: Callable[[], Desired | None],
    ) -> None:  # fmt: skip
        """``choice`` is what the agent started with; ``last`` what was desired then."""
        self._store, self._choice, self._agent, self._reports = store, choice, agent, reports
        self._shadows, self._last = shadows, last
        self.on_event: Callable[[Event], None] = lambda _event: None
        self.tried: Desired | None = None
        """The order whose bundle is a shadow, getting warm, or on probation."""
        self._watchdog = Watchdog(lambda: agent.stage.progress, self._hung)

    @property
    def in_service(self) -> str:
        """Digest of the bundle in service."""
        return self._agent.station.identity.bundle_digest

    def shadowed(self, desired: Desired) -> bool:
        """Whether this attempt has been a shadow to its end."""
        return self._shadows.of(desired).done

    def begin(self, desired: Desired, path: Path) -> None:
        """Try the bundle at ``path``, live or as a shadow."""
        if desired.mode == "shadow":
            self._begin_shadow(desired, path)
        else:
            self._begin_trial(desired, path)

    def dismiss(self, reason: str) -> None:
        """End what is tried now."""
        self._agent.stage.dismiss(reason)

    def recover(self) -> None:
        """After a start: say what was rolled back before, and go on with a probation."""
        untold = self._store.untold
        if untold is not None:
            about = _order(untold.digest, untold.attempt, untold.rollout)
            self._reports.tell_surely(about, "rolled_back", untold.reason)
            self._store.told()
        if self._choice.on_probation and self.tried is None:
            self._resume()

    def conclude(self, event: Event) -> bool:
        """Write down what happened, and tell it; whether the trial or shadow is over."""
        tried = self.tried
        if tried is None or tried.release != event.digest:
            return False
        if event.kind == "took_over":
            self._agent.announce()
            self._reports.tell_of(tried, "probation")
            return False
        self._watchdog.end()
        if tried.mode == "shadow":
            self._conclude_shadow(tried, event)
        elif event.kind == "confirmed":
            self._confirm(tried)
        else:
            self._roll_back(tried, event.reason)
        self.tried = None
        memory.give_back()
        return True

    def stopped(self) -> None:
        """The agent ends in good order: that is no crash of what is tried."""
        try:
            self._store.stopped()
            if self.tried is not None and self.tried.mode == "shadow":
                self._count_shadow(self.tried, -1)
        except OSError as error:
            _log.warning("a good end cannot be noted", extra={"error": str(error)})

    def _begin_trial(self, desired: Desired, path: Path) -> None:
        digest = str(desired.release)
        self._store.begin_probation(digest, desired.attempt, desired.rollout)
        try:
            candidate = self._agent.load(path)
        except (EdgeError, ContractError) as error:
            self._roll_back(desired, str(error))
            return
        station = self._agent.station
        # The pipeline in service, in a guise of its own for as long as it is held against the other.
        before = Candidate(pipeline=Measured(_bare(station.pipeline)), identity=station.identity)
        self._invite(desired, self._trial(desired, before, candidate))

    def _resume(self) -> None:
        """The agent was started with a model on probation; the one before is there to go back to."""
        choice, station = self._choice, self._agent.station
        desired = _order(choice.digest, choice.attempt, choice.rollout)
        last = self._last()
        if last is not None and (last.release, last.attempt) == (desired.release, desired.attempt):
            desired = last
        candidate = Candidate(pipeline=Measured(_bare(station.pipeline)), identity=station.identity)
        before = self._agent.load(self._store.in_service().path)
        self._invite(desired, self._trial(desired, before, candidate))
        self._reports.tell_of(desired, "probation")

    def _trial(self, desired: Desired, before: Candidate, candidate: Candidate) -> Trial:
        limits = Limits(probation_s=desired.probation_s, cost_factor=self._agent.cost_factor_most)
        return Trial(
            self._agent.station, before, candidate, self._agent.make_publisher, limits, self._agent.around,
            self._say,
        )  # fmt: skip

    def _begin_shadow(self, desired: Desired, path: Path) -> None:
        if self._shadows.of(desired).starts > self._agent.crashes_most:
            starts = self._shadows.of(desired).starts
            self._end_shadow_badly(desired, f"the agent ended {starts} times while it listened as a shadow")
            return
        self._count_shadow(desired, 1)
        try:
            candidate = self._agent.load(path)
        except (EdgeError, ContractError) as error:
            self._end_shadow_badly(desired, str(error))
            return
        station = self._agent.station
        service = Candidate(pipeline=Measured(_bare(station.pipeline)), identity=station.identity)
        terms = Terms(seconds=desired.shadow_s, share=desired.shadow_cpu_percent / 100)
        guest = Shadowing(station, service, candidate, terms, self._agent.outbox, self._say)
        self._invite(desired, guest)
        self._reports.tell_of(desired, "shadowing")

    def _invite(self, desired: Desired, guest: Guest) -> None:
        self.tried = desired
        self._watchdog.watch()
        self._agent.stage.invite(guest)

    def _confirm(self, desired: Desired) -> None:
        try:
            self._store.confirm(str(desired.release))
        except ValueError as error:
            _log.error("a model in service cannot be confirmed", extra={"error": str(error)})
        self._reports.tell_of(desired, "confirmed")

    def _roll_back(self, desired: Desired, reason: str) -> None:
        _log.warning("a model was rolled back", extra={"release": desired.release, "reason": reason})
        self._store.roll_back(str(desired.release), reason)
        self._agent.announce()
        self._reports.tell_surely(desired, "rolled_back", reason)
        self._store.told()

    def _conclude_shadow(self, desired: Desired, event: Event) -> None:
        if event.kind == "rolled_back":
            self._end_shadow_badly(desired, event.reason)
            return
        self._count_shadow(desired, -1, done=event.kind == "shadowed")
        if event.kind == "shadowed":
            self._reports.tell_of(desired, "shadowed")

    def _end_shadow_badly(self, desired: Desired, reason: str) -> None:
        self._store.refuse(str(desired.release), desired.attempt, reason)
        self._reports.tell_surely(desired, "rolled_back", reason)

    def _count_shadow(self, desired: Desired, starts: int, *, done: bool = False) -> None:
        record = self._shadows.of(desired)
        self._shadows.write(replace(record, starts=max(0, record.starts + starts), done=done))

    def _say(self, event: Event) -> None:
        self.on_event(event)

    def _hung(self, seconds: float) -> None:
        """In the watchdog's thread: the main loop will not come back from the model."""
        tried = self.tried
        if tried is None:
            return
        reason = f"the agent stood still for {seconds:.0f} s while it was tried; it was started again"
        _log.error("the main loop hangs", extra={"release": tried.release, "seconds": seconds})
        try:
            if tried.mode == "shadow":
                self._end_shadow_badly(tried, reason)
            else:
                # The next start tells it.
                self._store.roll_back(str(tried.release), reason)
            # What hangs is tried; what is in service has not crashed.
            self._store.stopped()
        except OSError as error:
            _log.error("the roll-back cannot be noted", extra={"error": str(error)})
        self._agent.restart()


def _order(digest: str, attempt: int, rollout: int | None) -> Desired:
    """As far as it is known after a restart."""
    return Desired(serial=0, issued_s=0, release=digest, target="-", attempt=max(1, attempt), rollout=rollout)


def _bare(pipeline: Any) -> Any:
    return pipeline.pipeline if isinstance(pipeline, Measured) else pipeline
