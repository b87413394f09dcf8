"""A node whose installer and models are made up, around the real store, updater and main loop."""

import hashlib
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from contract.errors import BundleError
from contract.updates import Desired, Update
from edge_agent.agent.desires import Desires
from edge_agent.agent.reports import Reports
from edge_agent.agent.shadow_record import ShadowRecords
from edge_agent.agent.stage import Stage
from edge_agent.agent.tryout import Surroundings, Tryout
from edge_agent.agent.updater import Updater
from edge_agent.update import ModelStore, Outcome, Ready, Waiting
from tests.edge_agent.ramp import a_candidate
from tests.edge_agent.update_world import UpdateWorld
from tests.waiting import wait_until

SOUNDS = [(hop, hop + 12) for hop in range(20, 30_000, 60)]


class Shop:
    """An installer whose bundles are there at once, unless ``held``."""

    def __init__(self, folder: Path, store: ModelStore) -> None:
        self._folder, self._store = folder, store
        self.steps: list[tuple[str, str]] = []
        self.outcomes: list[Outcome] = []
        self.held = threading.Event()
        self.answer: Desired | None = None
        self.interrupted = 0

    def bring(self, name: str) -> str:
        """A bundle that only its name tells from others; its digest."""
        (self._folder / name).write_text(name)
        return hashlib.sha256(name.encode()).hexdigest()

    def step(self, desired: Desired, stop: threading.Event) -> Outcome:
        self.steps.append((desired.target, desired.mode))
        if self.held.is_set():
            stop.wait(30)
            self.interrupted += 1
            return Waiting(seconds=0.0, reason="interrupted")
        if self.outcomes:
            return self.outcomes.pop(0)
        release = str(desired.release)
        if self._store.path_of(release) is None:
            content = self._folder / f"{desired.target}.part"
            content.write_text(desired.target)
            self._store.stage(content)
        path = self._store.path_of(release)
        assert path is not None
        return Ready(digest=release, path=path)

    def desired(self, last: Desired, stop: threading.Event) -> Desired | None:
        return self.answer


class Node:
    """The agent's parts without devices; ``run`` plays sound until something is true."""

    def __init__(self, world: UpdateWorld, folder: Path, models: dict[str, dict[str, Any]]) -> None:
        self.world, self.folder, self.models = world, folder, models
        shipped = folder / "shipped.bundle"
        shipped.write_text("shipped")
        self.store = ModelStore(folder / "models", shipped)
        self.shop = Shop(folder, self.store)
        self.restarts = self.births = 0
        self.start()

    def start(self) -> None:
        self.choice = self.store.boot()
        agent = Surroundings(
            station=self.world.station, stage=self.world.stage, outbox=self.world.shelf, load=self._load,
            make_publisher=self.world.make_publisher, around=self.world.around, announce=self._announce,
            restart=self._restart, cost_factor_most=1000, crashes_most=1,
        )  # fmt: skip
        reports = Reports(self.world.shelf, lambda: self.world.station.identity)
        self.desires = Desires(self.store.folder)
        self.tryout = Tryout(
            self.store, self.choice, agent, reports, ShadowRecords(self.store.folder), self.desires.last
        )
        self.updater = Updater(self.store, self.tryout, reports, self.desires, lambda: self.shop)  # type: ignore[arg-type, return-value]
        self.updater.start()

    def kill(self) -> None:
        """What the thread did last is on the disk, and nothing else is left."""
        with self.updater._wake:
            self.updater._stopping = True
            self.updater._wake.notify_all()
        self.updater._thread.join(10)
        self.world.stage = Stage(self.world.station)

    def want(self, name: str | None, **others: Any) -> Desired:
        self.serial = getattr(self, "serial", 0) + 1
        order = {"probation_s": 4.0, "shadow_s": 8.0, **others}
        desired = Desired(
            serial=self.serial, issued_s=0, release=self.shop.bring(name) if name else None,
            target=name or "", **order,
        )  # fmt: skip
        self.updater.receive(desired)
        return desired

    def run(self, until: Callable[[], bool]) -> None:
        """Sound comes as fast as it is heard, in short pieces, as long as the updater has something to do."""

        def step() -> bool:
            self.world.play(4)
            return until()

        wait_until(step, str(self.told()))

    def told(self) -> list[str]:
        return [message.phase for message in self.world.shelf.of(Update)]

    def last(self) -> Update:
        found: Update = self.world.shelf.of(Update)[-1]
        return found

    def _load(self, path: Path) -> Any:
        name = path.read_text()
        if name not in self.models:
            raise BundleError("not a readable bundle")
        digest = self.shop.bring(name)
        return a_candidate(self.world.first.identity.manifest, digest, yes=SOUNDS, **self.models[name])

    def _announce(self) -> None:
        self.births += 1

    def _restart(self) -> None:
        self.restarts += 1
