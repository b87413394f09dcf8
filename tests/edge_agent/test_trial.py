"""A model that comes into service proves itself, or the one before is back: within seconds, with a reason."""

from collections.abc import Callable

import pytest

from contract.messages import Detection
from edge_agent.agent.trial import Trial
from edge_agent.swap import Limits
from tests.edge_agent.update_world import UpdateWorld

OLD, NEW = "a" * 64, "b" * 64
SOUNDS = [(hop, hop + 12) for hop in range(20, 30_000, 60)]
FEW = SOUNDS[::5]


@pytest.fixture
def node(world: Callable[..., UpdateWorld]) -> UpdateWorld:
    return world(yes=SOUNDS)


def rolled_back(node: UpdateWorld) -> str:
    """The reason, when the model before is in service again and nothing is left of the other one."""
    assert node.kinds()[-1] == "rolled_back", node.events
    assert node.station.identity.bundle_digest == OLD
    assert node.station.pipeline is node.first.pipeline.pipeline
    return node.events[-1].reason


@pytest.mark.parametrize(
    ("broken", "says"),
    [
        ("nan", "are no numbers between 0 and 1"),
        ("garbage", "are no numbers between 0 and 1"),
        ("raises", "it failed: "),
        ("constant", "the same answer to everything"),
        ("flood", "it detected 'yes'"),
        ("deaf", "sounds that the model before detected"),
    ],
)
def test_a_bad_model_is_rolled_back_with_its_reason_and_no_sample_is_lost(
    world: Callable[..., UpdateWorld], broken: str, says: str
) -> None:
    node = world(yes=FEW if broken == "flood" else SOUNDS)
    node.try_out(node.candidate(NEW, yes=SOUNDS, broken=broken, from_hop=400), probation_s=60)
    node.play(400)
    assert node.kinds() == ["took_over"]
    node.play(60 * 50)
    assert says in rolled_back(node)
    assert node.clock_s < 68
    node.play(500)
    node.end()
    assert node.heard == list(range(node.hops))


def test_a_model_that_never_stirs_is_known_by_half_as_many_sounds(world: Callable[..., UpdateWorld]) -> None:
    """A sound every ten seconds: what only has its thresholds too high is not known within the minute."""
    rare = [(hop, hop + 12) for hop in range(20, 30_000, 500)]
    ends = {}
    for broken in ("dull", "deaf"):
        node = world(yes=rare)
        node.try_out(node.candidate(NEW, broken=broken), probation_s=60)
        node.play(64 * 50)
        ends[broken] = (node.kinds()[-1], node.events[-1].reason)
    assert ends == {
        "dull": (
            "rolled_back",
            "none of its posteriors rose above 10 %, while the model before detected 5 sounds",
        ),
        "deaf": ("confirmed", ""),
    }


@pytest.mark.parametrize("broken", ["nan", "raises"])
def test_a_model_that_is_bad_from_the_first_step_is_back_within_seconds(
    node: UpdateWorld, broken: str
) -> None:
    node.try_out(node.candidate(NEW, broken=broken), probation_s=60)
    node.play(400)
    rolled_back(node)
    assert node.kinds() == ["rolled_back"], "it never came into service"
    node.end()
    assert node.heard == list(range(node.hops))


def test_a_model_that_costs_many_times_as_much_is_rolled_back(world: Callable[..., UpdateWorld]) -> None:
    node = world()
    node.try_out(node.candidate(NEW, broken="slow", from_hop=200), probation_s=60, cost_factor=3)
    node.play(600)
    assert "times as much as the model before; 3 times are allowed" in rolled_back(node)


def test_another_length_of_step_is_rolled_back_as_well(world: Callable[..., UpdateWorld]) -> None:
    node = world(yes=FEW)
    node.try_out(node.candidate(NEW, step_frames=5, yes=SOUNDS, broken="flood", from_hop=400), probation_s=60)
    node.play(1500)
    assert "it detected 'yes'" in rolled_back(node)
    node.end()
    assert node.heard == list(range(node.hops))


def test_a_good_model_stays(node: UpdateWorld) -> None:
    node.try_out(node.candidate(NEW, yes=SOUNDS, delay=3), probation_s=60)
    node.play(64 * 50)
    assert node.kinds() == ["took_over", "confirmed"]
    sounds = sum(last < node.hops - 30 for _, last in SOUNDS)
    assert abs(len(node.shelf.of(Detection)) - sounds) <= 1
    assert node.station.identity.bundle_digest == NEW


def test_a_model_that_knows_another_label_stays(node: UpdateWorld) -> None:
    more = node.candidate(NEW, yes=SOUNDS, no=[(330, 340), (2030, 2040)], labels=("yes", "dog", "_other_"))
    node.try_out(more, probation_s=40)
    node.play(50 * 50)
    assert node.kinds() == ["took_over", "confirmed"]
    assert [hop for label, hop in node.detected() if label == "dog"] == [336, 2028]


def test_a_node_that_falls_behind_gives_up_before_it_loses_sound(node: UpdateWorld) -> None:
    node.try_out(node.candidate(NEW, yes=SOUNDS), probation_s=60)
    node.play(100)
    node.around.behind_s = 2.5
    node.play(100)
    assert "cannot run it beside" in rolled_back(node)


def test_a_model_on_probation_that_makes_the_node_fall_behind_goes(node: UpdateWorld) -> None:
    node.try_out(node.candidate(NEW, yes=SOUNDS), probation_s=60)
    node.play(300)
    node.around.behind_s = 2.5
    node.play(60)
    assert "the node cannot keep up with it: 2.5 s" in rolled_back(node)


def test_a_connection_that_is_lost_with_the_new_model_brings_the_old_one_back(node: UpdateWorld) -> None:
    node.try_out(node.candidate(NEW, yes=SOUNDS), probation_s=60)
    node.play(300)
    node.around.connected = False
    node.play(50 * 50)
    assert "connection to the broker" in rolled_back(node)


def test_without_a_connection_before_none_is_asked_for(node: UpdateWorld) -> None:
    node.around.connected = False
    node.try_out(node.candidate(NEW, yes=SOUNDS), probation_s=60)
    node.play(70 * 50)
    assert node.kinds() == ["took_over", "confirmed"]


@pytest.mark.parametrize("played", [50, 300])
def test_what_is_cancelled_leaves_the_model_before_in_service(node: UpdateWorld, played: int) -> None:
    node.try_out(node.candidate(NEW, yes=SOUNDS), probation_s=60)
    node.play(played)
    node.stage.dismiss("the aggregator has withdrawn it")
    node.play(100)
    assert rolled_back(node) == "the aggregator has withdrawn it"
    node.end()
    assert node.heard == list(range(node.hops))


@pytest.mark.parametrize(("broken", "end"), [("", "confirmed"), ("flood", "rolled_back")])
def test_a_probation_that_a_restart_interrupted_goes_on(
    world: Callable[..., UpdateWorld], broken: str, end: str
) -> None:
    """The candidate is in service from the start; the model before gets warm beside it."""
    node = world(yes=FEW, broken=broken, from_hop=200)
    before = node.candidate(NEW, yes=FEW)
    trial = Trial(
        node.station, before, node.first, node.make_publisher, Limits(probation_s=20, cost_factor=1000),
        node.around, node.events.append,
    )  # fmt: skip
    node.play(33)
    node.stage.invite(trial)
    node.play(1800)
    assert node.kinds() == [end]
    assert node.station.identity.bundle_digest == (NEW if broken else OLD)
    node.end()
    assert node.heard == list(range(node.hops))
