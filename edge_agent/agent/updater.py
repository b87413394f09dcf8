"""The updater's thread: takes what is desired, has it installed, tried and kept, and tells how far it is."""

import logging
import math
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Final

from contract.updates import Desired
from edge_agent.agent.desires import Desires
from edge_agent.agent.event import Event
from edge_agent.agent.reports import Reports
from edge_agent.agent.tryout import Tryout
from edge_agent.swap.deciding import decide, supersedes
from edge_agent.update import STEADY_S, Installer, ModelStore, Ready, Waiting

_RETRY_S: Final = 10.0
"""After a disk, or anything else, has refused."""
_LONGEST_SLEEP_S: Final = 3600.0

_log = logging.getLogger("edge_agent.update")


class Updater:
    """One thread. ``receive`` and ``hear`` may be called from any other; neither waits."""

    def __init__(
        self, store: ModelStore, tryout: Tryout, reports: Reports, desires: Desires,
        make_installer: Callable[[], Installer],
    ) -> None:  # fmt: skip
        self._store, self._tryout, self._reports, self._desires = store, tryout, reports, desires
        self._make_installer = make_installer
        tryout.on_event = self.hear
        self._installer: Installer | None = None
        self._wake = threading.Condition()
        self._events: deque[Event] = deque()
        self._newest: Desired | None = None
        self._working: Desired | None = None
        self._settled: Desired | None = None
        """Of which nothing more comes."""
        self._interrupt = threading.Event()
        self._stopping = False
        self._again_s = 0.0
        self._polled_s = time.monotonic()
        self._steady_s = self._polled_s + STEADY_S
        """When the agent has run so long that its start did it no harm."""
        self._thread = threading.Thread(target=self._run, name="updater", daemon=True)

    def start(self) -> None:
        """Begin; what an earlier run of the agent left unsaid is said first."""
        self._thread.start()

    def receive(self, desired: Desired) -> None:
        """What the aggregator wants now; the one with the highest serial counts."""
        with self._wake:
            if self._newest is not None and desired.serial <= self._newest.serial:
                return
            self._newest, self._again_s, self._polled_s = desired, 0.0, time.monotonic()
            if self._working is not None and supersedes(desired, self._working):
                self._interrupt.set()
            self._wake.notify_all()

    def hear(self, event: Event) -> None:
        """Something happened in the main loop."""
        with self._wake:
            self._events.append(event)
            self._wake.notify_all()

    def stop(self, timeout_s: float = 0.5) -> None:
        """The agent ends in good order."""
        with self._wake:
            self._stopping = True
            self._interrupt.set()
            self._wake.notify_all()
        if self._thread.is_alive():
            self._thread.join(timeout_s)
        self._tryout.stopped()

    def _run(self) -> None:
        self._desires.restore(self.receive)
        sound = self._guarded(self._tryout.recover)
        while not self._stopping:
            sound = self._guarded(self._turn) and sound
            with self._wake:
                if sound:
                    self._wake.wait_for(self._has_news, timeout=self._sleep_s())
                else:
                    self._wake.wait_for(lambda: self._stopping, timeout=_RETRY_S)
            sound = True

    def _guarded(self, work: Callable[[], None]) -> bool:
        """Whether it was done; the thread must live whatever a disk or a library raises."""
        try:
            work()
        except OSError as error:
            _log.error("the update cannot go on", extra={"error": str(error)})
        except Exception:  # a mistake of ours must not end updates for good
            _log.exception("the update cannot go on")
        else:
            return True
        return False

    def _turn(self) -> None:
        while self._events:
            # Taken off only when it was dealt with: what the disk refused is tried again.
            if self._tryout.conclude(self._events[0]):
                self._take_up_again()
            self._events.popleft()
        desired = self._newest
        if desired is not None and desired != self._settled and time.monotonic() >= self._again_s:
            self._pursue(desired)
        self._poll()
        if time.monotonic() >= self._steady_s:
            self._store.steady()
            self._steady_s = math.inf

    def _take_up_again(self) -> None:
        """What was tried is no more; something else may have been wanted meanwhile."""
        self._again_s = 0.0
        if self._settled is not self._newest:
            self._settled = None

    def _pursue(self, desired: Desired) -> None:
        tryout = self._tryout
        decision = decide(
            desired, in_service=tryout.in_service, tried=tryout.tried,
            failed=self._store.failed(desired.release, desired.attempt) if desired.release else None,
            shadowed=tryout.shadowed(desired),
        )  # fmt: skip
        self._desires.keep(desired)
        if decision.action == "dismiss":
            tryout.dismiss(decision.reason)
            # Until it has ended, which is told.
            self._again_s = math.inf
            return
        if decision.action == "refuse":
            self._reports.tell_of(desired, "refused", decision.reason)
        if decision.action != "install" or self._install(desired):
            self._settled = desired

    def _install(self, desired: Desired) -> bool:
        """Whether nothing more is to be done for it, but to await events."""
        with self._wake:
            self._interrupt.clear()
            self._working = desired
            if self._stopping or (self._newest is not None and supersedes(self._newest, desired)):
                self._interrupt.set()
        self._reports.begin(desired)
        if self._installer is None:
            self._installer = self._make_installer()
        outcome = self._installer.step(desired, self._interrupt)
        with self._wake:
            self._working = None
        if isinstance(outcome, Waiting):
            self._again_s = time.monotonic() + outcome.seconds
            return False
        if isinstance(outcome, Ready):
            self._tryout.begin(desired, outcome.path)
        return True

    def _poll(self) -> None:
        """Ask for what is desired, in case it was not received."""
        last = self._newest
        if last is None or time.monotonic() < self._polled_s + last.poll_s:
            return
        self._polled_s = time.monotonic()
        with self._wake:
            if not self._stopping:
                self._interrupt.clear()
        if self._installer is None:
            self._installer = self._make_installer()
        found = self._installer.desired(last, self._interrupt)
        if found is not None:
            self.receive(found)

    def _has_news(self) -> bool:
        fresh = self._newest is not None and self._newest != self._settled
        due = fresh and time.monotonic() >= self._again_s
        return self._stopping or bool(self._events) or due

    def _sleep_s(self) -> float:
        now_s = time.monotonic()
        last = self._newest
        due_s = [_LONGEST_SLEEP_S, self._steady_s - now_s]
        if last is not None:
            due_s.append(self._polled_s + last.poll_s - now_s)
            if last != self._settled:
                due_s.append(self._again_s - now_s)
        return max(0.05, min(due_s))
