"""The agent's main loop, and how it ends."""

import logging
import math
import threading
import time
from typing import Final, Protocol

from contract.checks import printable
from contract.messages import Heartbeat
from edge_agent import health, memory, systemd
from edge_agent.agent.orders import Orders
from edge_agent.agent.renewal import Renewal
from edge_agent.agent.reporting import Hearing, Identity, heartbeat
from edge_agent.agent.stage import Stage
from edge_agent.agent.station import Station
from edge_agent.capture import Block, Ended, Listener, Watch
from edge_agent.level import Meter
from edge_agent.outbox import Outbox

_TICK_S: Final = 0.2
_LAST_CHANCE_S: Final = 0.7
"""Time for acknowledgements when the agent is told to stop."""

_log = logging.getLogger("edge_agent.agent")


class Sends(Protocol):
    """What the loop needs of a link to the broker."""

    problem: str

    @property
    def connected(self) -> bool: ...  # noqa: D102

    def heartbeat(self, heartbeat: Heartbeat) -> None: ...  # noqa: D102
    def announce(self) -> None: ...  # noqa: D102
    def stop(self) -> None: ...  # noqa: D102


class Running:
    """Listens until the input ends or ``stop`` is set; everything it works with is given to it."""

    def __init__(
        self,
        *,
        listener: Listener,
        station: Station,
        stage: Stage,
        meter: Meter,
        outbox: Outbox,
        link: Sends | None,
        orders: Orders,
        identity: Identity,
        heartbeat_s: float,
        stop: threading.Event,
        renewal: Renewal | None = None,
    ) -> None:
        self._listener, self._station, self._meter = listener, station, meter
        self._stage = stage
        self._outbox, self._link, self._orders = outbox, link, orders
        self._renewal = renewal
        self._identity, self._heartbeat_s, self._stop = identity, heartbeat_s, stop
        self._watch = Watch(time.monotonic())
        self._processor = health.Processor()
        self._beat_s = self._fed_dog_s = time.monotonic()
        self._dog_s = systemd.watchdog_s()
        self._progress = self._told_progress = 0
        self._state = "starting"
        self._settled = False

    def listen(self, seconds: float | None = None) -> bool:
        """Whether the input came to its end, or ``seconds`` have passed, rather than being stopped."""
        systemd.notify("READY=1", "STATUS=listening")
        end_s = time.monotonic() + seconds if seconds is not None else math.inf
        while not self._stop.is_set():
            if time.monotonic() >= end_s:
                self._listener.stop(0.2)
                self._watch.end()
                return True
            item = self._listener.get(_TICK_S)
            if isinstance(item, Ended):
                self._watch.end()
                return True
            if isinstance(item, Block):
                self._progress += 1
                self._watch.feed(item.samples, time.monotonic())
                self._stage.hear(item)
            elif item is not None:
                self._stage.lose(item)
            self._tick(time.monotonic())
        return False

    def drain(self, timeout_s: float) -> bool:
        """Wait until everything is acknowledged; whether it was."""
        deadline_s = time.monotonic() + timeout_s
        while self._outbox.counters.rows and time.monotonic() < deadline_s and not self._stop.is_set():
            self._tick(time.monotonic())
            self._stop.wait(0.05)
        return self._outbox.counters.rows == 0

    def end(self) -> None:
        """Stop in good order, within two seconds."""
        systemd.notify("STOPPING=1")
        self._listener.stop(0.2)
        self._station.finish()
        deadline_s = time.monotonic() + _LAST_CHANCE_S
        while self._link is not None and self._link.connected and time.monotonic() < deadline_s:
            if self._outbox.counters.rows == 0:
                break
            time.sleep(0.02)
        if self._link is not None:
            self._link.stop()
        self._outbox.close(0.8)

    def beat(self) -> None:
        """Send a heartbeat now."""
        self._beat_s = time.monotonic()
        self._outbox.alive()
        levels, peak = self._meter.take()
        station = self._station
        message = heartbeat(
            self._identity,
            Hearing(
                levels_dbfs=levels, peak_dbfs=peak, input_state=self._watch.state(self._beat_s),
                heard_s=station.heard_s, overruns=station.overruns + self._listener.overruns,
            ),
            self._outbox.counters,
            cpu_percent=self._processor.percent(),
            disk_free_bytes=health.disk_free_bytes(self._outbox.path.parent),
            problems=self._problems(),
        )  # fmt: skip
        if self._link is not None:
            self._link.heartbeat(message)

    def _tick(self, now_s: float) -> None:
        self._stage.look()
        for command in self._orders.take():
            _log.info("command", extra={"action": command.action, "id": command.id})
            if command.publish is not None:
                self._station.set_policy(command.publish)
            if command.sampling is not None:
                self._station.publisher.set_sampling(command.sampling)
            if command.action == "renew_certificate" and self._renewal is not None:
                self._renewal.renew()
            if self._link is not None:
                self._link.announce()
            self.beat()
        if now_s - self._beat_s >= self._heartbeat_s:
            self.beat()
            if not self._settled:
                # Opening the input and connecting have left things behind that are not needed again.
                self._settled = True
                memory.give_back()
        self._tell_state(now_s)
        self._feed_dog(now_s)

    def _tell_state(self, now_s: float) -> None:
        state = self._watch.state(now_s)
        if state != self._state:
            log = _log.warning if state in ("flat", "stopped") else _log.info
            log("input", extra={"state": state, "before": self._state})
            self._state = state
            self.beat()

    def _feed_dog(self, now_s: float) -> None:
        """Tell systemd that all is well while sound comes, or while a lost input is being opened again."""
        if self._dog_s is None or now_s - self._fed_dog_s < self._dog_s:
            return
        self._fed_dog_s = now_s
        progress = self._progress + self._listener.attempts
        if progress > self._told_progress or self._watch.state(now_s) == "ended":
            self._told_progress = progress
            systemd.notify("WATCHDOG=1")

    def _problems(self) -> tuple[str, ...]:
        state = self._watch.state(time.monotonic())
        told = {
            "flat": "the input is flat: sound without any change; is the microphone plugged in and unmuted?",
            "stopped": self._listener.problem or "the input has stopped: no sound comes any more",
        }
        clock = "" if time.time() > health.FIRST_POSSIBLE_S else "the clock is not set; let it synchronise"
        found = (
            told.get(state, ""), self._outbox.counters.problem, self._station.publisher.problem, clock,
            self._renewal.problem if self._renewal is not None else "",
        )  # fmt: skip
        return tuple(printable(problem, 300) for problem in found if problem)
