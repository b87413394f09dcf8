"""From what is desired to a model in service, or back, with every step told: the updater's thread."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from contract.updates import Desired, Shadow, Update
from edge_agent.agent.watchdog import Watchdog
from edge_agent.update import Refused, Waiting
from tests.edge_agent.update_world import UpdateWorld
from tests.edge_agent.updater_node import SOUNDS, Node
from tests.waiting import wait_until


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
    node.store.stage(content)
    node.store.begin_probation(digest, 3, 8)
    node.store.roll_back(digest, "it hung")
    node.start()
    wait_until(lambda: node.store.untold is None)
    told = node.last()
    assert (told.phase, told.reason, told.release, told.attempt, told.rollout) == (
        "rolled_back", "it hung", digest, 3, 8,
    )  # fmt: skip


def test_an_agent_that_has_run_for_a_while_holds_its_starts_against_no_model(node: Node) -> None:
    wanted = node.want("good")
    node.run(lambda: node.told()[-1:] == ["confirmed"])
    for _ in range(3):
        node.store.boot()
    starts = node.store.starts()
    assert starts is not None
    assert (starts.digest, starts.count) == (wanted.release, 3)
    node.updater._steady_s = 0.0
    node.want("good")
    wait_until(lambda: node.store.starts() is None)


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
