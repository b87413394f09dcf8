"""From what is desired to a model in service, or back, with every step told: the updater's thread."""

import hashlib
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from contract.errors import BundleError
from contract.updates import Desired, Shadow, Update
from edge_agent.agent.desires import Desires
from edge_agent.agent.reports import Reports
from edge_agent.agent.shadow_record import ShadowRecords
from edge_agent.agent.stage import Stage
from edge_agent.agent.tryout import Surroundings, Tryout
from edge_agent.agent.updater import Updater
from edge_agent.agent.watchdog import Watchdog
from edge_agent.update import ModelStore, Outcome, Ready, Refused, Waiting
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
            self._store.stage(release, content, desired.attempt, desired.rollout)
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


@pytest.fixture
def node(world: Callable[..., UpdateWorld], tmp_path: Path) -> Iterator[Node]:
    models = {
        "shipped": {}, "good": {}, "better": {}, "flood": {"broken": "nan", "from_hop": 320},
        "raises": {"broken": "raises"},
    }  # fmt: skip
    made = Node(world(policy="results", yes=SOUNDS), tmp_path, models)
    yield made
    made.updater.stop()


def test_a_good_model_is_taken_tried_and_kept(node: Node) -> None:
    wanted = node.want("good", rollout=7)
    node.run(lambda: node.told()[-1:] == ["confirmed"])
    assert node.told() == ["probation", "confirmed"]
    assert node.last().model == node.world.station.identity.manifest.model
    assert (node.last().release, node.last().rollout, node.last().attempt) == (wanted.release, 7, 1)
    assert node.births == 1, "a birth says what is in service"
    assert node.store.boot().digest == wanted.release
    assert not node.store.boot().on_probation


def test_what_is_in_service_is_not_taken_again(node: Node) -> None:
    node.want("good")
    node.run(lambda: node.told()[-1:] == ["confirmed"])
    node.want("good", attempt=2)
    node.want("better")
    node.run(lambda: node.told().count("confirmed") == 2)
    assert [target for target, _ in node.shop.steps] == ["good", "better"]


def test_a_bad_model_is_rolled_back_told_and_not_taken_again_unless_asked(node: Node) -> None:
    node.want("flood")
    node.run(lambda: node.told()[-1:] == ["rolled_back"])
    assert node.told() == ["probation", "rolled_back"]
    assert "no numbers" in node.last().reason
    assert node.last().model == node.world.first.model
    node.run(lambda: node.store.untold is None)
    assert node.store.boot().slot == "shipped"
    node.want("flood")
    node.run(lambda: node.told()[-1:] == ["refused"])
    assert "this attempt has failed before: " in node.last().reason
    assert len(node.shop.steps) == 1
    node.want("flood", attempt=2)
    node.run(lambda: node.told()[-1:] == ["rolled_back"])
    assert len(node.shop.steps) == 2


def test_a_model_that_does_not_load_is_rolled_back(node: Node) -> None:
    node.want("unknown")
    node.run(lambda: node.told()[-1:] == ["rolled_back"])
    assert node.last().reason == "not a readable bundle"
    assert node.world.station.identity is node.world.first.identity


def test_a_newer_order_cancels_the_older(node: Node) -> None:
    node.shop.held.set()
    node.want("good")
    wait_until(lambda: len(node.shop.steps) == 1)
    node.shop.held.clear()
    node.want("better")
    node.run(lambda: node.told()[-1:] == ["confirmed"])
    assert node.shop.interrupted == 1
    assert node.told() == ["probation", "confirmed"]
    assert [target for target, _ in node.shop.steps] == ["good", "better"]


def test_withdrawal_ends_an_unfinished_download(node: Node) -> None:
    node.shop.held.set()
    node.want("good")
    wait_until(lambda: len(node.shop.steps) == 1)
    node.want(None)
    wait_until(lambda: node.shop.interrupted == 1)
    node.shop.held.clear()
    node.want("better")
    node.run(lambda: node.told()[-1:] == ["confirmed"])
    assert [target for target, _ in node.shop.steps] == ["good", "better"]


def test_an_order_for_another_model_ends_a_probation(node: Node) -> None:
    node.want("good", probation_s=10_000.0)
    node.run(lambda: node.told() == ["probation"])
    node.want("better")
    node.run(lambda: node.told()[-1:] == ["confirmed"])
    assert node.told() == ["probation", "rolled_back", "probation", "confirmed"]
    reasons = [message.reason for message in node.world.shelf.of(Update) if message.reason]
    assert reasons == ["the aggregator wants something else"]


def test_withdrawal_takes_back_what_is_not_confirmed_and_nothing_else(node: Node) -> None:
    node.want("good")
    node.run(lambda: node.told() == ["probation", "confirmed"])
    confirmed = node.world.station.identity.bundle_digest
    node.want("better", probation_s=10_000.0)
    node.run(lambda: node.told()[-1:] == ["probation"])
    node.want(None)
    node.run(lambda: node.told()[-1:] == ["rolled_back"])
    assert node.last().reason == "the aggregator has withdrawn it"
    assert node.world.station.identity.bundle_digest == confirmed


def test_a_shadow_listens_sums_up_and_is_not_begun_again(node: Node) -> None:
    node.want("good", mode="shadow")
    node.run(lambda: node.told()[-1:] == ["shadowed"])
    assert node.told() == ["shadowing", "shadowed"]
    assert len(node.world.shelf.of(Shadow)) == 1
    assert node.world.station.identity is node.world.first.identity
    node.want("good", mode="shadow")
    node.want("good", mode="live")
    node.run(lambda: node.told()[-1:] == ["confirmed"])
    assert node.told() == ["shadowing", "shadowed", "probation", "confirmed"]


def test_a_shadow_is_withdrawn_or_goes_live(node: Node) -> None:
    node.want("good", mode="shadow", shadow_s=10_000.0)
    node.run(lambda: node.told() == ["shadowing"] and node.tryout.tried is not None)
    node.want(None)
    node.run(lambda: node.tryout.tried is None)
    assert len(node.world.shelf.of(Shadow)) <= 1
    node.want("better", mode="shadow", shadow_s=10_000.0)
    node.run(lambda: node.told() == ["shadowing", "shadowing"])
    node.want("better", mode="live")
    node.run(lambda: node.told()[-1:] == ["confirmed"])
    assert node.told() == ["shadowing", "shadowing", "probation", "confirmed"]


def test_a_shadow_that_fails_is_rolled_back(node: Node) -> None:
    node.want("raises", mode="shadow")
    node.run(lambda: node.told()[-1:] == ["rolled_back"])
    assert "it failed while it listened as a shadow" in node.last().reason
    node.want("raises", mode="shadow")
    node.run(lambda: node.told()[-1:] == ["refused"])


def test_a_shadow_that_ends_the_agent_again_and_again_is_not_begun_for_ever(node: Node) -> None:
    node.want("good", mode="shadow", shadow_s=10_000.0)
    for starts in (1, 2):
        node.run(lambda starts=starts: node.told().count("shadowing") == starts)
        node.kill()
        node.start()
    node.run(lambda: node.told()[-1:] == ["rolled_back"])
    assert node.last().reason == "the agent ended 2 times while it listened as a shadow"


def test_a_refusal_and_a_wait_of_the_installer_are_heeded(node: Node) -> None:
    node.shop.outcomes = [Waiting(seconds=0.1, reason="no network"), Refused(reason="signed by nobody")]
    node.want("good")
    wait_until(lambda: len(node.shop.steps) == 2)
    node.want("better")
    node.run(lambda: node.told()[-1:] == ["confirmed"])
    assert len(node.shop.steps) == 3


def test_an_earlier_order_is_ignored(node: Node) -> None:
    first = node.want("good")
    node.run(lambda: node.told()[-1:] == ["confirmed"])
    node.updater.receive(replace(first, target="better", release=node.shop.bring("better")))
    node.want(None)
    node.run(lambda: node.desires.last() is not None and node.desires.last().serial == 2)  # type: ignore[union-attr]
    assert [target for target, _ in node.shop.steps] == ["good"]


def test_it_asks_in_case_nothing_was_received(node: Node) -> None:
    node.shop.answer = Desired(
        serial=99, issued_s=0, release=node.shop.bring("good"), target="good", probation_s=5
    )
    node.updater.receive(Desired(serial=1, issued_s=0, poll_s=10))
    node.updater._polled_s -= 20
    node.want(None)
    node.updater._polled_s -= 20
    node.run(lambda: node.told()[-1:] == ["confirmed"])


def test_a_full_disk_is_waited_for(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edge_agent.agent.updater._RETRY_S", 0.1)
    confirm, refusals = node.store.confirm, []

    def full(digest: str) -> None:
        if len(refusals) < 3:
            refusals.append(digest)
            raise OSError("no space left on device")
        confirm(digest)

    monkeypatch.setattr(node.store, "confirm", full)
    node.want("good")
    node.run(lambda: node.told()[-1:] == ["confirmed"])
    assert len(refusals) == 3
    assert node.told() == ["probation", "confirmed"]


def test_what_was_rolled_back_before_the_start_is_told_first(node: Node) -> None:
    node.updater.stop()
    digest = node.shop.bring("good")
    content = node.folder / "x"
    content.write_text("good")
    node.store.stage(digest, content, 3, 8)
    node.store.begin_probation(digest, 3, 8)
    node.store.roll_back(digest, "it hung")
    node.start()
    wait_until(lambda: node.store.untold is None)
    told = node.last()
    assert (told.phase, told.reason, told.release, told.attempt, told.rollout) == (
        "rolled_back", "it hung", digest, 3, 8,
    )  # fmt: skip


def test_a_hang_rolls_back_and_starts_the_agent_again(node: Node) -> None:
    node.tryout._watchdog = Watchdog(lambda: node.world.stage.progress, node.tryout._hung, hang_s=0.3)
    wanted = node.want("good", probation_s=10_000.0)
    node.run(lambda: node.told() == ["probation"])
    # From here on no sound is heard: the main loop stands still.
    wait_until(lambda: node.restarts == 1)
    untold = node.store.untold
    assert untold is not None
    assert untold.digest == wanted.release
    assert "stood still" in untold.reason
    assert node.store.boot().slot == "shipped"


def test_a_shadow_that_hangs_is_given_up_and_the_agent_started_again(node: Node) -> None:
    node.tryout._watchdog = Watchdog(lambda: node.world.stage.progress, node.tryout._hung, hang_s=0.3)
    wanted = node.want("good", mode="shadow", shadow_s=10_000.0)
    node.run(lambda: node.told() == ["shadowing"])
    wait_until(lambda: node.restarts == 1)
    assert node.told() == ["shadowing", "rolled_back"]
    assert "stood still" in str(node.store.failed(str(wanted.release), 1))
