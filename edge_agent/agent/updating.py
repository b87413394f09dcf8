"""Wires the updater; loaded only by a node that takes updates."""

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from contract.updates import Fetch, Piece
from edge_agent.agent.boot import Booted, load
from edge_agent.agent.candidate import Candidate
from edge_agent.agent.desires import Desires
from edge_agent.agent.handover import MakePublisher
from edge_agent.agent.reports import Reports
from edge_agent.agent.shadow_record import ShadowRecords
from edge_agent.agent.stage import Stage
from edge_agent.agent.station import Station
from edge_agent.agent.tryout import Surroundings, Tryout
from edge_agent.agent.updater import Updater
from edge_agent.capture import Listener
from edge_agent.errors import SettingsError
from edge_agent.mqtt import Link
from edge_agent.outbox import Outbox
from edge_agent.settings import Settings
from edge_agent.swap import Measured
from edge_agent.update import make_installer


class Around:
    """How the agent is; the link comes into being after the updater that it tells what is desired."""

    def __init__(self, listener: Listener) -> None:
        self._listener = listener
        self.link: Link | None = None

    @property
    def connected(self) -> bool:
        """To the broker."""
        return self.link is not None and self.link.connected

    @property
    def behind_s(self) -> float:
        """Sound that waits."""
        return self._listener.behind_s

    def announce(self) -> None:
        """Another model is in service."""
        if self.link is not None:
            self.link.announce()

    def ask(self, fetch: Fetch, timeout_s: float) -> Piece:
        """Through the broker."""
        if self.link is None:
            raise TimeoutError
        return self.link.ask(fetch, timeout_s)


@dataclass(frozen=True, slots=True, kw_only=True)
class Updating:
    """What the composition needs to know of it."""

    updater: Updater
    around: Around


def make_updating(
    settings: Settings, version: str, booted: Booted, station: Station, stage: Stage, outbox: Outbox,
    listener: Listener, make_publisher: MakePublisher, restart: Callable[[], None],
) -> Updating:  # fmt: skip
    """The updater of an agent that was started with ``booted``."""
    store, choice = booted.store, booted.choice
    if store is None or choice is None:
        raise SettingsError("[update] root: needed to take new models")
    around = Around(listener)
    reports = Reports(outbox, lambda: station.identity)
    desires = Desires(store.folder)

    def load_candidate(path: Path) -> Candidate:
        loaded = load(settings, version, path)
        identity = replace(
            station.identity, manifest=loaded.bundle.manifest, bundle_digest=loaded.bundle.digest,
            thresholds=loaded.pipeline.thresholds,
        )  # fmt: skip
        return Candidate(pipeline=Measured(loaded.pipeline), identity=identity)

    agent = Surroundings(
        station=station, stage=stage, outbox=outbox, load=load_candidate, make_publisher=make_publisher,
        around=around, announce=around.announce, restart=restart,
        cost_factor_most=settings.update.cost_factor_most, crashes_most=settings.update.crashes_most,
    )  # fmt: skip
    tryout = Tryout(store, choice, agent, reports, ShadowRecords(store.folder), desires.last)
    updater = Updater(
        store, tryout, reports, desires,
        lambda: make_installer(settings, store, version, reports.tell, around.ask),
    )  # fmt: skip
    return Updating(updater=updater, around=around)


def begin_anew() -> None:
    """This program from its start, in this process: what hangs in another thread ends with it."""
    os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])  # noqa: S606 - the same command again
