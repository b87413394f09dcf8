"""``edge-agent run``: chooses the parts, joins them, runs them. The only file that knows them all."""

import logging
import signal
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from contract.commands import Command
from contract.updates import Desired
from edge_agent import memory
from edge_agent.agent.boot import Booted, boot
from edge_agent.agent.boot_id import new_boot
from edge_agent.agent.ledger import Ledger
from edge_agent.agent.orders import Orders
from edge_agent.agent.publisher import Publisher
from edge_agent.agent.renewal import Renewal
from edge_agent.agent.reporting import Identity, birth
from edge_agent.agent.running import Running
from edge_agent.agent.stage import Stage
from edge_agent.agent.station import Station
from edge_agent.capture import BLOCK_S, PROMPT_BLOCK_S, Block, Listener, make_source
from edge_agent.errors import CaptureError, OutboxError, SettingsError
from edge_agent.interpreter import runtime_name
from edge_agent.journal import start_journal
from edge_agent.outbox import Outbox, sole
from edge_agent.settings import Settings
from edge_agent.settings.enrolled import folder_in

_log = logging.getLogger("edge_agent.agent")


def run(settings: Settings, version: str, *, drain_timeout_s: float, seconds: float | None = None) -> int:
    """Listen until told to stop, or until the input or the ``seconds`` end and all is acknowledged.

    The exit code: 0, or 1 if something still waits for acknowledgement.
    """
    start_journal(settings.health.log_level, settings.health.log_format)
    memory.one_arena()
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: stop.set())
    with sole(settings.outbox_path):
        return _run(settings, version, drain_timeout_s, seconds, stop)


def _run(
    settings: Settings, version: str, drain_timeout_s: float, seconds: float | None, stop: threading.Event
) -> int:
    booted = boot(settings, version)
    try:
        return _live(settings, version, booted, drain_timeout_s, seconds, stop)
    except (SettingsError, CaptureError, OutboxError):
        # What the agent can say itself is no crash of the model.
        if booted.store is not None:
            with suppress(OSError):
                booted.store.stopped()
        raise


def _live(
    settings: Settings, version: str, booted: Booted, drain_timeout_s: float, seconds: float | None,
    stop: threading.Event,
) -> int:  # fmt: skip
    bundle, pipeline = booted.loaded.bundle, booted.loaded.pipeline
    identity = Identity(
        boot=new_boot(settings.enrolled), agent_version=version, runtime=runtime_name(),
        manifest=bundle.manifest,
        bundle_digest=bundle.digest, thresholds=pipeline.thresholds, started_s=max(0.0, time.time()),
    )  # fmt: skip
    block_s = PROMPT_BLOCK_S if settings.live.listening else BLOCK_S
    listener = Listener(make_source(settings.input, block_s), block_s=block_s)
    outbox = Outbox(
        settings.outbox_path, identity.boot,
        limit_bytes=settings.outbox.limit_bytes, commit_s=settings.outbox.commit_ms / 1000,
    )  # fmt: skip
    orders = Orders(settings.node.state_path, settings.publish.policy, settings.sampling.sampling)
    ledger = Ledger(settings.node.state_path)

    def make_publisher(identity: Identity) -> Publisher:
        publisher = Publisher(
            identity, settings.publish, orders.sampling, ledger, seed=settings.node.name,
            closed=orders.problem,
        )  # fmt: skip
        publisher.set_policy(orders.policy)
        return publisher

    station = Station(pipeline, outbox, identity, make_publisher(identity))
    stage = Stage(station)
    updating = _updating(settings, version, booted, station, stage, outbox, listener, make_publisher)
    broadcasting = _broadcasting(settings)
    talking = _talking(settings)
    link = _link(
        settings,
        outbox,
        station,
        orders,
        broadcasting,
        talking,
        updating.updater.receive if updating else None,
    )
    renewal = _renewal(settings, link)
    running = Running(
        listener=listener, station=station, stage=stage, meter=pipeline.meter, outbox=outbox,
        link=link, orders=orders, identity=identity, heartbeat_s=settings.health.heartbeat_s, stop=stop,
        renewal=renewal,
    )  # fmt: skip
    _log.info(
        "started", extra={"node": settings.node.name, "boot": identity.boot, "model": bundle.manifest.model,
                          "input": settings.input.description, "publish": orders.policy,
                          "denoise": pipeline.denoiser},
    )  # fmt: skip
    memory.give_back()
    outbox.start()
    outbox.alive()
    if link is not None:
        link.start()
    if renewal is not None:
        renewal.start()
    if updating is not None:
        updating.around.link = link
        updating.updater.start()
    if talking is not None:
        talking.link = link
    if broadcasting is not None:
        broadcasting.link, listener.tap = link, _tap(broadcasting, talking)
        broadcasting.broadcast.start()
    listener.start()
    delivered = True
    if running.listen(seconds):
        station.finish()
        running.beat()
        delivered = link is None or running.drain(drain_timeout_s)
    for guest in (broadcasting, talking):
        if guest is not None:
            guest.stop()
    if updating is not None:
        updating.updater.stop()
    if renewal is not None:
        renewal.stop()
    running.end()
    return _tell_end(station, outbox, identity, delivered=delivered)


def _tell_end(station: Station, outbox: Outbox, identity: Identity, *, delivered: bool) -> int:
    counters, publisher = outbox.counters, station.publisher
    _log.info(
        "stopped",
        extra={
            "boot": identity.boot, "heard_s": round(station.heard_s, 2), "detections": station.detections,
            "last_sequence": counters.last_sequence, "waiting": counters.rows, "dropped": counters.dropped,
            "over_budget": publisher.over_budget.total(), "hidden": publisher.hidden,
        },
    )  # fmt: skip
    if not delivered:
        _log.warning("not everything was acknowledged in time; it is sent at the next start")
    return 0 if delivered else 1


def _updating(
    settings: Settings, version: str, booted: Booted, station: Station, stage: Stage, outbox: Outbox,
    listener: Listener, make_publisher: Callable[[Identity], Publisher],
) -> Any:  # fmt: skip
    if booted.store is None:
        return None
    # A node that takes no updates does without what they need.
    from edge_agent.agent.updating import begin_anew, make_updating

    return make_updating(
        settings, version, booted, station, stage, outbox, listener, make_publisher, begin_anew
    )


def _broadcasting(settings: Settings) -> Any:
    if not settings.live.listening or not settings.broker.host:
        return None
    # A node that nobody may listen to does without what that needs.
    from edge_agent.agent.broadcasting import Broadcasting

    return Broadcasting(settings.live)


def _talking(settings: Settings) -> Any:
    if not settings.talk.allowed or not settings.broker.host:
        return None
    # A node that nobody may talk through does without what that needs.
    from edge_agent.agent.talking import Talking

    return Talking(settings.talk)


def _tap(broadcasting: Any, talking: Any) -> Callable[[Block], None]:
    """Who listens is not sent what the node's own loudspeaker plays."""
    hear: Callable[[Block], None] = broadcasting.broadcast.hear
    return hear if talking is None else lambda block: hear(talking.hushed(block))


def _link(
    settings: Settings, outbox: Outbox, station: Station, orders: Orders, broadcasting: Any, talking: Any,
    on_desired: Callable[[Desired], None] | None,
) -> Any:  # fmt: skip
    if not settings.broker.host:
        return None
    # A node that sends nothing does without the MQTT library.
    from edge_agent.mqtt import Link

    listening = broadcasting.codecs if broadcasting is not None else ()
    spoken = talking.codecs if talking is not None else ()

    def receive(command: Command) -> None:
        if command.listen is None:
            orders.receive(command)
        elif broadcasting is not None:
            broadcasting.receive(command)

    return Link(
        settings.broker, settings.node.name, outbox,
        resend_after_s=settings.outbox.resend_after_s,
        birth=lambda: birth(station.identity, settings, orders.policy, orders.sampling, listening, spoken),
        on_command=receive, on_desired=on_desired,
        receives=talking.receives if talking is not None else {},
    )  # fmt: skip


def _renewal(settings: Settings, link: Any) -> Renewal | None:
    if settings.enrolled is None or link is None:
        return None
    return Renewal(folder_in(settings.node.state_path), on_new=link.reconnect)
